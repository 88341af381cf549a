from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, sigmoid, where


class MinLSTM(Cell, family="LSTM"):
    """LSTM whose gates see the input alone, so that its steps can be done in parallel.

    Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs all we needed?, arXiv 2410.01201,
    section 3.2.3: forget and input gate are normalised to add up to 1. The code of its appendix B
    keeps the candidate positive, to work with logarithms: n + 1/2 for n from 0 on, else sigmoid(n)
    (candidate=positive). minGRU-pytorch does, without biases.
    """

    candidate = Option("linear", "positive")
    x = Input()
    h = State()
    W, b = Matrix(H, I), Vector(H, f=1)

    f = sigmoid(W.f @ x + b.f)
    i = sigmoid(W.i @ x + b.i)
    n = W.n @ x + b.n
    if candidate == "positive":
        g = where(n < 0, sigmoid(n), n + 0.5)
    h_next = (f * h + i * (n if candidate == "linear" else g)) / (f + i)
