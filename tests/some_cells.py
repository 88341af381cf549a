"""Built-in cells between them have everything a cell can have: for tests that would take too long
on all of them. What is true of each cell is tested on each (test_library.py)."""

from derive.nodes import symbols_of

SOME = """
    rnn lstm lstm_peephole gru lstm_projection lstm_layer_norm slstm antisymmetric_rnn qrnn
    scrn fastgrnn unicornn
""".split()


def of_parameters(cell):
    """The quantities that depend on parameters alone: computed once a call, and again on the way
    back, since no tape has a place for them."""
    known = set(cell.parameters)
    for equation in cell.equations:
        if symbols_of(equation.rhs) <= known:
            known.add(equation.lhs)
    return known - set(cell.parameters)
