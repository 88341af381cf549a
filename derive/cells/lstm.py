from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class LSTM(Cell, family="LSTM"):
    """Long short-term memory with a forget gate.

    Gers, Schmidhuber & Cummins (2000), Learning to forget: continual prediction with LSTM, Neural
    Computation 12(10), with one cell per block and, as everywhere since, tanh for both squashing
    functions (the paper has shifted logistic ones; see lstm_1997).
    """

    x = Input()
    h, c = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)

    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    c_next = f * c + i * g
    h_next = o * tanh(c_next)
