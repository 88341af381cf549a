from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class NoForgetGateLSTM(Cell, family="LSTM"):
    """LSTM without a forget gate: nothing is forgotten.

    Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017), LSTM: a search space odyssey,
    IEEE TNNLS 28(10), section III: NFG, f = 1.
    """

    x = Input()
    h, c = State(), State()
    W, U, p, b = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c_next + b.o)
    h_next = o * tanh(c_next)
