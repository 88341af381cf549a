from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class JANET(Cell, family="LSTM"):
    """LSTM reduced to its forget gate.

    Van der Westhuizen & Lasenby (2018), The unreasonable effectiveness of the forget gate, arXiv
    1804.04849, equation 4. The constant beta lets more in than is forgotten.
    """

    x = Input()
    h = State()
    beta = 1.0
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, s=1)

    s = U.s @ h + W.s @ x + b.s
    n = tanh(U.n @ h + W.n @ x + b.n)
    f = sigmoid(s)
    h_next = f * h + (1 - sigmoid(s - beta)) * n
