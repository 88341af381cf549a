"""Built-in cells between them have everything a cell can have: for tests that would take too long
on all of them. What is true of each cell is tested on each (test_library.py)."""

SOME = """
    rnn lstm lstm_peephole gru lstm_projection lstm_layer_norm slstm antisymmetric_rnn qrnn
    scrn fastgrnn unicornn
""".split()
