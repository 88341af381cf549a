from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, relu, tanh


class IndRNN(Cell, family="Simple"):
    """Independently recurrent network: each unit sees its own past only.

    Li, Li, Cook, Zhu & Gao (2018), Independently recurrent neural network (IndRNN), CVPR, arXiv
    1803.04831, equation 2. The recurrent weight u is a vector.
    """

    activation = Option(relu, tanh)
    x = Input()
    h = State()
    W, u, b = Matrix(H, I), Vector(H, at=1), Vector(H)

    h_next = activation(W @ x + u * h + b)
