from derive.language import Cell, H, I, Input, Matrix, Scalar, State, Vector, sigmoid, tanh


class FastGRNN(Cell, family="GRU"):
    """One pair of matrices serves gate and candidate.

    Kusupati, Singh, Bhatia, Kumar, Jain & Varma (2018), FastGRNN, NeurIPS, arXiv 1901.02358,
    equation 6, where zeta and nu are trained through a sigmoid. Initial values are those of the
    authors' code (EdgeML).
    """

    x = Input()
    h = State()
    W, U, b, s = Matrix(H, I), Matrix(H, H), Vector(H, at=1), Scalar(zeta=1, nu=-4)

    zeta, nu = sigmoid(s.zeta), sigmoid(s.nu)
    a = W @ x + U @ h
    z = sigmoid(a + b.z)
    n = tanh(a + b.n)
    h_next = (zeta * (1 - z) + nu) * n + z * h
