from derive.language import Cell, H, Input, Matrix, Output, State, Vector, sigmoid


class SRU(Cell, family="Additive"):
    """Simple recurrent unit: no matrix product in the recurrence.

    Lei, Zhang, Wang, Dai & Artzi (2018), Simple recurrent units for highly parallelizable
    recurrence, EMNLP, arXiv 1709.02755, equations 1 to 4. The highway to the input takes as many
    inputs as units; the authors' code can scale it (alpha).
    """

    x = Input(H)
    c = State()
    alpha = 1.0
    W, v, b = Matrix(H, H), Vector(H), Vector(H)

    n = W.n @ x
    f = sigmoid(W.f @ x + v.f * c + b.f)
    c_next = f * c + (1 - f) * n
    r = sigmoid(W.r @ x + v.r * c + b.r)
    h = Output(r * c_next + (1 - r) * x * alpha)
