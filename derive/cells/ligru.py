from derive.language import Cell, H, I, Input, Matrix, State, Vector, relu, sigmoid


class LiGRU(Cell, family="GRU"):
    """Light gated recurrent unit: no reset gate, and ReLU for tanh.

    Ravanelli, Brakel, Omologo & Bengio (2018), Light gated recurrent units for speech
    recognition, IEEE TETCI 2(2), arXiv 1803.10225, without its batch normalisation, whose shift
    is the bias here.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    z = sigmoid(W.z @ x + U.z @ h + b.z)
    n = relu(W.n @ x + U.n @ h + b.n)
    h_next = z * h + (1 - z) * n
