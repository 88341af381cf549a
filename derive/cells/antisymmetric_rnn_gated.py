from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class GatedAntisymmetricRNN(Cell, family="Simple"):
    """The antisymmetric network with a gate on its step.

    Chang, Chen, Haber & Chi (2019), AntisymmetricRNN, ICLR, arXiv 1902.09689, equations 12 and
    13. The gate shares the antisymmetric matrix.
    """

    x = Input()
    h = State()
    epsilon, gamma = 0.1, 0.1
    V, W, b = Matrix(H, I), Matrix(H, H), Vector(H)

    a = W @ h - W.T @ h - gamma * h
    z = sigmoid(a + V.z @ x + b.z)
    h_next = h + epsilon * z * tanh(a + V.h @ x + b.h)
