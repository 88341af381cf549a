from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, sigmoid, tanh


class RAN(Cell, family="Additive"):
    """Recurrent additive network: the memory is a weighted sum of linear inputs.

    Lee, Levy & Zettlemoyer (2017), Recurrent additive networks, arXiv 1705.07393, equation 1.
    """

    activation = Option("tanh", "identity")
    x = Input()
    h, c = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    n = W.n @ x
    i = sigmoid(U.i @ h + W.i @ x + b.i)
    f = sigmoid(U.f @ h + W.f @ x + b.f)
    c_next = i * n + f * c
    h_next = tanh(c_next) if activation == "tanh" else c_next
