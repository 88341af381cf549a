from derive.language import Cell, H, I, Input, Matrix, State, Vector, tanh


class LipschitzRNN(Cell, family="Simple"):
    """A step of a differential equation: a linear part beside a bounded one, both kept stable.

    Erichson, Azencot, Queiruga, Hodgkinson & Mahoney (2021), Lipschitz recurrent neural networks,
    ICLR, arXiv 2006.12070, in Euler's scheme. Of either part the matrix is (1 - beta) (M + M') +
    beta (M - M') - gamma, with one beta and one gamma for both, as in the authors' code.
    """

    x = Input()
    h = State()
    epsilon, beta, gamma = 0.01, 0.75, 0.01
    M, U, b = Matrix(H, H), Matrix(H, I), Vector(H)

    a = M.a @ h + (1 - 2 * beta) * (M.a.T @ h) - gamma * h
    w = M.w @ h + (1 - 2 * beta) * (M.w.T @ h) - gamma * h
    d = a + tanh(w + U @ x + b)
    h_next = h + epsilon * d
