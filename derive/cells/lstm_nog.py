from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class NoOutputGateLSTM(Cell, family="LSTM"):
    """LSTM without an output gate: all of the memory is shown.

    Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017), LSTM: a search space odyssey,
    IEEE TNNLS 28(10), section III: NOG, o = 1.
    """

    x = Input()
    h, c = State(), State()
    W, U, p, b = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, f=1)

    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * c + i * g
    h_next = tanh(c_next)
