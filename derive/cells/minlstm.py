from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid


class MinLSTM(Cell, family="LSTM"):
    """LSTM whose gates see the input alone, so that its steps can be done in parallel.

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs all we needed?, arXiv 2410.01201,
    section 3.2.3: forget and input gate are normalised to add up to 1.
    """

    x = Input()
    h = State()
    W, b = Matrix(H, I), Vector(H, f=1)

    f = sigmoid(W.f @ x + b.f)
    i = sigmoid(W.i @ x + b.i)
    n = W.n @ x + b.n
    h_next = (f * h + i * n) / (f + i)
