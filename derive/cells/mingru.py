from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, sigmoid, where


class MinGRU(Cell, family="GRU"):
    """GRU whose gate sees the input alone, so that its steps can be done in parallel.

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs all we needed?, arXiv 2410.01201,
    section 3.1.3. The code of its appendix B keeps the candidate positive, to work with logarithms:
    n + 1/2 for n from 0 on, else sigmoid(n) (candidate=positive). minGRU-pytorch does, without
    biases.
    """

    candidate = Option("linear", "positive")
    x = Input()
    h = State()
    W, b = Matrix(H, I), Vector(H)

    z = sigmoid(W.z @ x + b.z)
    n = W.n @ x + b.n
    if candidate == "positive":
        g = where(n < 0, sigmoid(n), n + 0.5)
    h_next = (1 - z) * h + z * (n if candidate == "linear" else g)
