from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class UnICORNN(Cell, family="Oscillator"):
    """Undamped, independent controlled oscillators, each with a time step of its own.

    Rusch & Mishra (2021), UnICORNN: a recurrent model for learning very long time dependencies,
    ICML, arXiv 2103.05487, equation 6, one layer: a symplectic Euler step.
    """

    x = Input()
    y, z = State(), State()
    dt, alpha = 0.1, 1.0
    w, V, b, c = Vector(H), Matrix(H, I), Vector(H), Vector(H)

    step_size = dt * sigmoid(c)
    z_next = z - step_size * (tanh(w * y + V @ x + b) + alpha * y)
    y_next = y + step_size * z_next
