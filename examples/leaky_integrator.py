"""A cell of one's own: what `docs/write-a-cell.md` ends with."""

from derive.language import (
    Cell,
    H,
    I,
    Input,
    Matrix,
    Output,
    Scalar,
    State,
    Vector,
    mean,
    sigmoid,
    sqrt,
    tanh,
)


class LeakyIntegrator(Cell):
    """A leaky integrator with a trained time constant for each unit, and a normalised output.

    The continuous-time network  τ dh/dt = -h + tanh(W x + U h + b)  of Funahashi & Nakamura (1993),
    Neural Networks 6(6), after one explicit Euler step; the share dt/τ is kept in (0, 1) by a
    sigmoid. The output is layer-normalised (Ba, Kiros & Hinton 2016), with a trained gain.
    """

    x = Input()
    h = State()
    W, U, b, rate = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)
    gain = Scalar(names="y", y=1)
    small = 1e-5

    leak = sigmoid(rate)
    h_next = (1 - leak) * h + leak * tanh(W @ x + U @ h + b)

    centred = h_next - mean(h_next)
    y = Output(gain.y * centred / sqrt(mean(centred**2) + small))
