from derive.language import Cell, H, Input, State, Vector, tanh


class Bare(Cell):
    """A cell without a matrix; it means nothing."""

    x = Input(H)
    h = State()
    a, b = Vector(H), Vector(H, at=1)

    h_next = tanh(a * h + b + x) * h + x
