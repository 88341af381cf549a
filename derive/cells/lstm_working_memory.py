from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class WorkingMemoryLSTM(Cell, family="LSTM"):
    """LSTM whose gates see the memory through a layer of its own (working memory connections).

    Landi, Baraldi, Cornia & Cucchiara (2021), Working memory connections for LSTM, Neural
    Networks 144, arXiv 2109.00020. The output gate sees the new memory.
    """

    x = Input()
    h, c = State(), State()
    W, U, V, b = Matrix(H, I), Matrix(H, H), Matrix(H, H), Vector(H, f=1)

    i = sigmoid(W.i @ x + U.i @ h + tanh(V.i @ c) + b.i)
    f = sigmoid(W.f @ x + U.f @ h + tanh(V.f @ c) + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + tanh(V.o @ c_next) + b.o)
    h_next = o * tanh(c_next)
