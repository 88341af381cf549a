from derive.language import (
    Cell, H, I, Input, Matrix, Option, Scalar, State, Vector, relu, sigmoid, tanh,
)  # fmt: skip


class FastRNN(Cell, family="Simple"):
    """A weighted residual connection around a simple recurrent network.

    Kusupati, Singh, Bhatia, Kumar, Jain & Varma (2018), FastGRNN, NeurIPS, arXiv 1901.02358,
    equation 2, where alpha and beta are trained through a sigmoid. Initial values are those of
    the authors' code (EdgeML).
    """

    activation = Option(tanh, sigmoid, relu)
    x = Input()
    h = State()
    W, U, b, s = Matrix(H, I), Matrix(H, H), Vector(H, at=1), Scalar(alpha=-3, beta=3)

    alpha, beta = sigmoid(s.alpha), sigmoid(s.beta)
    n = activation(W @ x + U @ h + b)
    h_next = alpha * n + beta * h
