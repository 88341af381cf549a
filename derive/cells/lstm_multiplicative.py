from derive.language import Cell, H, I, Input, Matrix, Option, State, sigmoid, tanh


class MultiplicativeLSTM(Cell, family="LSTM"):
    """LSTM whose recurrent weights depend on the input: the state is multiplied by it first.

    Krause, Lu, Murray & Renals (2016), Multiplicative LSTM for sequence modelling, arXiv
    1609.07959. The paper has no biases. Of the first author's codes one gates inside the tanh
    (gating=inside).
    """

    gating = Option("outside", "inside")
    x = Input()
    h, c = State(), State()
    W, U = Matrix(H, I), Matrix(H, H)

    m = (W.m @ x) * (U.m @ h)
    n = tanh(W.n @ x + U.n @ m)
    i = sigmoid(W.i @ x + U.i @ m)
    o = sigmoid(W.o @ x + U.o @ m)
    f = sigmoid(W.f @ x + U.f @ m)
    c_next = f * c + i * n
    h_next = tanh(c_next) * o if gating == "outside" else tanh(c_next * o)
