from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, tanh


class CoRNN(Cell, family="Oscillator"):
    """Coupled oscillators: position y and velocity z, damped and driven.

    Rusch & Mishra (2021), Coupled oscillatory recurrent neural network, ICLR, arXiv 2010.00951,
    equation 3. The damping takes the old velocity (explicit) or the new one (implicit).
    """

    damping = Option("explicit", "implicit")
    x = Input()
    y, z = State(), State()
    dt, gamma, epsilon = 0.1, 1.0, 1.0
    W, V, U, b = Matrix(H, H), Matrix(H, H), Matrix(H, I), Vector(H)

    force = tanh(W @ y + V @ z + U @ x + b) - gamma * y
    if damping == "explicit":
        z_next = z + dt * (force - epsilon * z)
    else:
        z_next = (z + dt * force) / (1 + dt * epsilon)
    y_next = y + dt * z_next
