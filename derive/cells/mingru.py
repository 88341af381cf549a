from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid


class MinGRU(Cell, family="GRU"):
    """GRU whose gate sees the input alone, so that its steps can be done in parallel.

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs all we needed?, arXiv 2410.01201,
    section 3.1.3.
    """

    x = Input()
    h = State()
    W, b = Matrix(H, I), Vector(H)

    z = sigmoid(W.z @ x + b.z)
    n = W.n @ x + b.n
    h_next = (1 - z) * h + z * n
