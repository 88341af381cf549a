from derive.language import Cell, H, Input, Matrix, State, Vector, sigmoid, tanh


class MUT1(Cell, family="GRU"):
    """First of three cells found by evolutionary search: the update gate sees the input alone.

    Jozefowicz, Zaremba & Sutskever (2015), An empirical exploration of recurrent network
    architectures, ICML, section 4. It takes as many inputs as it has units, since tanh(x) is
    added.
    """

    x = Input(H)
    h = State()
    W, U, b = Matrix(H, H), Matrix(H, H), Vector(H)

    z = sigmoid(W.z @ x + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(U.n @ (r * h) + tanh(x) + b.n)
    h_next = n * z + h * (1 - z)
