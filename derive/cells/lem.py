from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class LEM(Cell, family="Oscillator"):
    """Long expressive memory: two states, each with time steps that are learnt.

    Rusch, Mishra, Erichson & Mahoney (2022), Long expressive memory for sequence modeling, ICLR,
    arXiv 2110.04744, equation 3. y uses the new z.
    """

    x = Input()
    y, z = State(), State()
    dt = 1.0
    W, V, b = Matrix(H, H), Matrix(H, I), Vector(H)

    s = dt * sigmoid(W.s @ y + V.s @ x + b.s)
    r = dt * sigmoid(W.r @ y + V.r @ x + b.r)
    z_next = (1 - s) * z + s * tanh(W.z @ y + V.z @ x + b.z)
    y_next = (1 - r) * y + r * tanh(W.y @ z_next + V.y @ x + b.y)
