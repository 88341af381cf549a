from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class NoPeepholesLSTM(Cell, family="LSTM"):
    """LSTM without peepholes: the standard LSTM.

    Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017), LSTM: a search space odyssey,
    IEEE TNNLS 28(10), section III: NP; the same equations as `lstm`.
    """

    x = Input()
    h, c = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)

    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    h_next = o * tanh(c_next)
