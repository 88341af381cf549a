from derive.language import Cell, H, Input, Matrix, State, Vector, sigmoid, tanh


class MUT2(Cell, family="GRU"):
    """Second of three cells found by evolutionary search: the input resets without weights.

    Jozefowicz, Zaremba & Sutskever (2015), An empirical exploration of recurrent network
    architectures, ICML, section 4. It takes as many inputs as it has units, since x is added.
    """

    x = Input(H)
    h = State()
    W, U, b = Matrix(H, H), Matrix(H, H), Vector(H)

    z = sigmoid(W.z @ x + U.z @ h + b.z)
    r = sigmoid(x + U.r @ h + b.r)
    n = tanh(U.n @ (r * h) + W.n @ x + b.n)
    h_next = n * z + h * (1 - z)
