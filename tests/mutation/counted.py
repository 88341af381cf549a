from derive.language import (  # noqa: I001
    Cell, H, Input, Matrix, State, Vector, largest, tanh,
)  # fmt: skip


class Counted(Cell):
    """A cell whose one input is a number, and whose state starts elsewhere than at 0; it means
    nothing."""

    x = Input(())
    h = State(start=0.5)
    U, b, w = Matrix(H, H), Vector(H), Vector(H)

    v = tanh(U.v @ h + w * x + b.v)
    q = largest(v)
    u = tanh(U.u @ v * q + b.u)
    h_next = u * largest(u * h) + v
