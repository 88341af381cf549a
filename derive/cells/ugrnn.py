from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, relu, sigmoid, tanh


class UGRNN(Cell, family="GRU"):
    """Update gate network: the least that a gate can do.

    Collins, Sohl-Dickstein & Sussillo (2017), Capacity and trainability in recurrent neural
    networks, ICLR, arXiv 1611.09913, section 2. The gate is the share of what is old; its bias
    starts at 1, as the authors' UGRNNCell in TensorFlow adds a constant 1.
    """

    activation = Option(tanh, relu)
    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, g=1)

    n = activation(U.n @ h + W.n @ x + b.n)
    g = sigmoid(U.g @ h + W.g @ x + b.g)
    h_next = g * h + (1 - g) * n
