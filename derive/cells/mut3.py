from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class MUT3(Cell, family="GRU"):
    """Third of three cells found by evolutionary search: the update gate sees tanh(h).

    Jozefowicz, Zaremba & Sutskever (2015), An empirical exploration of recurrent network
    architectures, ICML, section 4.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    z = sigmoid(W.z @ x + U.z @ tanh(h) + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = tanh(U.n @ (r * h) + W.n @ x + b.n)
    h_next = n * z + h * (1 - z)
