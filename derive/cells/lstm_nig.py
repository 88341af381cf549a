from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class NoInputGateLSTM(Cell, family="LSTM"):
    """LSTM without an input gate: all that is new is written.

    Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017), LSTM: a search space odyssey,
    IEEE TNNLS 28(10), section III: NIG, i = 1.
    """

    x = Input()
    h, c = State(), State()
    W, U, p, b = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, f=1)

    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * c + g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c_next + b.o)
    h_next = o * tanh(c_next)
