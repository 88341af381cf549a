from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class ParaGRU(Cell, family="GRU"):
    """GRU with diagonal recurrent matrices: Newton's method runs it in parallel.

    Danieli, Rodríguez, Sarabia, Suau & Zappella (2025), ParaRNN: unlocking parallel training of
    nonlinear RNNs for large language models, arXiv 2510.21450. In the authors' code W is block
    diagonal, one block a head, and the bias of z starts spread from 0 to -1.
    """

    x = Input()
    h = State()
    W, u, b = Matrix(H, I), Vector(H), Vector(H)

    z = sigmoid(W.z @ x + u.z * h + b.z)
    r = sigmoid(W.r @ x + u.r * h + b.r)
    n = tanh(W.n @ x + u.n * (r * h) + b.n)
    h_next = (1 - z) * h + z * n
