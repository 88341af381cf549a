from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class NoInputActivationLSTM(Cell, family="LSTM"):
    """LSTM without an input activation: the block's input is linear.

    Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017), LSTM: a search space odyssey,
    IEEE TNNLS 28(10), section III: NIAF, g(x) = x.
    """

    x = Input()
    h, c = State(), State()
    W, U, p, b = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, f=1)

    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = W.g @ x + U.g @ h + b.g
    c_next = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c_next + b.o)
    h_next = o * tanh(c_next)
