from derive.language import Cell, H, I, Input, Matrix, Scalar, State, Vector, sigmoid, tanh


class FastGRNN(Cell, family="GRU"):
    """One pair of matrices serves gate and candidate.

    Kusupati, Singh, Bhatia, Kumar, Jain & Varma (2018), FastGRNN, NeurIPS, arXiv 1901.02358,
    equation 4. The authors' code trains zeta and nu through a sigmoid; here they are what the
    paper writes.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
    zeta, nu = Scalar(at=0.75), Scalar(at=0.02)

    a = W @ x + U @ h
    z = sigmoid(a + b.z)
    n = tanh(a + b.n)
    h_next = (zeta * (1 - z) + nu) * n + z * h
