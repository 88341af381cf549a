from derive.language import Cell, H, I, Input, Matrix, Option, Output, State, Vector, relu, sigmoid


class LinOSS(Cell, family="Oscillator"):
    """Linear oscillators, forced by the input, each with a frequency and a time step of its own.

    Rusch & Rus (2025), Oscillatory state-space models, ICLR, arXiv 2410.03943: the system
    y'' = -A y + B x, in the implicit-explicit scheme, which keeps volumes, or in the implicit one,
    which damps. B and C are complex in the authors' code: two oscillators that share A and dt.
    """

    scheme = Option("imex", "implicit")
    x = Input()
    y, z = State(), State()
    B, C, D = Matrix(H, I), Matrix(I, H), Vector(I)
    a, s = Vector(H, at=0.5), Vector(H, at=0.5)

    A, dt = relu(a), sigmoid(s)
    if scheme == "imex":
        z_next = z + dt * (B @ x - A * y)
    else:
        z_next = (z + dt * (B @ x - A * y)) / (1 + dt**2 * A)
    y_next = y + dt * z_next
    o = Output(C @ y_next + D * x)
