from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, each, sigmoid, tanh


class RHN(Cell, family="Deep"):
    """Recurrent highway network: several highway layers within one step.

    Zilly, Srivastava, Koutník & Schmidhuber (2017), Recurrent highway networks, ICML, arXiv
    1607.03474, equations 6 to 9. The carry gate is 1 - t, as in the paper's experiments, or one
    of its own.
    """

    depth, carry = 2, Option("coupled", "own")
    x = Input()
    s = State()
    W, R, b = Matrix(H, I), Matrix(H, H), Vector(H, t=-2)

    y = s
    for layer in each(depth):
        n = tanh((W.n @ x if layer == 1 else 0) + R.n @ y + b.n)
        t = sigmoid((W.t @ x if layer == 1 else 0) + R.t @ y + b.t)
        if carry == "coupled":
            c = 1 - t
        else:
            c = sigmoid((W.c @ x if layer == 1 else 0) + R.c @ y + b.c)
        y = n * t + y * c
    s_next = y
