from derive.language import Cell, H, I, Input, Matrix, State, Vector, exp, sigmoid


class CTRNN(Cell, family="Simple"):
    """Continuous-time network: each unit leaks with a time constant of its own.

    Beer (1995), On the dynamics of small continuous-time recurrent neural networks, Adaptive
    Behavior 3(4), equation 1, in Euler's scheme; y is the potential of a neuron, and sigmoid(y +
    theta) its rate. The input comes through weights V; time constants are trained through their
    logarithms, and so stay positive.
    """

    x = Input()
    y = State()
    dt = 0.1
    W, V, theta, log_tau = Matrix(H, H), Matrix(H, I), Vector(H), Vector(H)

    tau = exp(log_tau)
    rate = sigmoid(y + theta)
    slope = (W @ rate + V @ x - y) / tau
    y_next = y + dt * slope
