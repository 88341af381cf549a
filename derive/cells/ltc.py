from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, each
from derive.language import sigmoid, softplus, tanh


class LTC(Cell, family="Timed"):
    """Liquid time-constant network: what drives a unit also sets how fast it forgets.

    Hasani, Lechner, Amini, Rus & Grosu (2021), Liquid time-constant networks, AAAI, arXiv
    2006.04439, equation 3, the fused step, `steps` times in a step of the input; the paper's code
    takes 6. dt is the time since the step before; 1/tau is softplus(w), which keeps it positive.
    The authors' code has a sigmoid of its own for every pair of units, and leaves dt out; that
    beside their CfC divides dt + 1 by the number of steps, and ncps dt.
    """

    steps, drive = 2, Option(sigmoid, tanh)
    x, dt = Input(), Input(())
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H, names="f"), Vector(H)
    A, w = Vector(H), Vector(H, at=0.5413)

    k = softplus(w)
    a = W @ x + b
    v = h
    for step in each(steps):  # noqa: B007
        f = drive(a + U.f @ v)
        v = (v + dt * f * A / steps) / (1 + dt * (k + f) / steps)
    h_next = v
