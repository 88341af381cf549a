from derive.language import (
    Cell, H, I, Input, Matrix, Option, Scalar, State, Vector, relu, sigmoid, tanh,
)  # fmt: skip


class FastRNN(Cell, family="Simple"):
    """A weighted residual connection around a simple recurrent network.

    Kusupati, Singh, Bhatia, Kumar, Jain & Varma (2018), FastGRNN, NeurIPS, arXiv 1901.02358,
    equation 2. The authors' code trains alpha and beta through a sigmoid; here they are what the
    paper writes.
    """

    activation = Option(tanh, sigmoid, relu)
    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
    alpha, beta = Scalar(at=0.05), Scalar(at=0.95)

    n = activation(W @ x + U @ h + b)
    h_next = alpha * n + beta * h
