from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class CFN(Cell, family="Additive"):
    """Chaos free network: without input, every trajectory falls to zero.

    Laurent & von Brecht (2016), A recurrent neural network without chaos, arXiv 1612.06212,
    equations 3 and 4.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, theta=1, eta=-1)

    theta = sigmoid(U.theta @ h + W.theta @ x + b.theta)
    eta = sigmoid(U.eta @ h + W.eta @ x + b.eta)
    n = W.n @ x
    h_next = theta * tanh(h) + eta * tanh(n)
