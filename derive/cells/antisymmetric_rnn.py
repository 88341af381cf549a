from derive.language import Cell, H, I, Input, Matrix, State, Vector, tanh


class AntisymmetricRNN(Cell, family="Simple"):
    """A stable step of a differential equation: the recurrent matrix is antisymmetric.

    Chang, Chen, Haber & Chi (2019), AntisymmetricRNN, ICLR, arXiv 1902.09689, equation 11.
    """

    x = Input()
    h = State()
    epsilon, gamma = 0.1, 0.1
    V, W, b = Matrix(H, I), Matrix(H, H), Vector(H)

    h_next = h + epsilon * tanh(W @ h - W.T @ h - gamma * h + V @ x + b)
