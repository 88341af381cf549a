from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class MGU(Cell, family="GRU"):
    """Minimal gated unit: one gate forgets and resets.

    Zhou, Wu, Zhang & Zhou (2016), Minimal gated unit for recurrent neural networks, arXiv
    1603.09420, equations 6 to 8.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    f = sigmoid(W.f @ x + U.f @ h + b.f)
    n = tanh(W.n @ x + U.n @ (f * h) + b.n)
    h_next = (1 - f) * h + f * n
