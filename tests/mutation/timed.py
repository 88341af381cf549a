from derive.language import (  # noqa: I001
    Cell, H, I, Input, Matrix, Scalar, State, StepNumber, Vector, expm1, floor, largest,
    log_sigmoid, sigmoid, sqrt, tanh, where,
)  # fmt: skip


class Timed(Cell):
    """Several inputs, the step's number, and parameters by a formula; it means nothing."""

    x, m, dt, t = Input(), Input(I), Input(()), StepNumber()
    h, k = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
    A = Matrix(H, H, trained=False, at=lambda i, j: where(i < j, 1, -1) / H)
    v, s = Vector(H, at=lambda i: sqrt(i + 1) / 4), Scalar(at=lambda: 1 / sqrt(I))

    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ (m * x) + A @ h + floor(b.g + 3 * h))
    p = log_sigmoid(f - g) + where(h > g, h, g / 2)
    q = p - largest(p) + largest(v) * s
    h_next = f * h * -expm1(-dt) + g * v + q / (1 + t)
    k_next = k + q + largest(g)
