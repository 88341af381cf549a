from derive.language import Cell, H, I, Input, Matrix, State, Vector, each, sigmoid, tanh


class MogrifierLSTM(Cell, family="LSTM"):
    """LSTM whose input and state scale each other, in turns, before anything is computed.

    Melis, Kočiský & Blunsom (2020), Mogrifier LSTM, ICLR, arXiv 1909.01792, equations 1 and 2. In
    the authors' code (lamb) the scales have biases, and the input gate is at most 1 - f.
    """

    rounds = 5
    x = Input()
    h, c = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)
    Q = Matrix(I, H)
    if rounds > 1:
        R = Matrix(H, I)

    for turn in each(rounds):
        if turn % 2:
            x = 2 * sigmoid(Q.x @ h) * x
        else:
            h = 2 * sigmoid(R.h @ x) * h
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    c_next = f * c + i * g
    h_next = o * tanh(c_next)
