from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class MinimalRNN(Cell, family="Simple"):
    """The input is embedded first, and one gate mixes it into the state.

    Chen (2017), MinimalRNN: toward more interpretable and trainable recurrent neural networks,
    arXiv 1711.06788, equations 1 to 3, with a tanh layer as the embedding.
    """

    x = Input()
    h = State()
    W, U, V, b = Matrix(H, I), Matrix(H, H), Matrix(H, H), Vector(H)

    z = tanh(W.z @ x + b.z)
    u = sigmoid(U.u @ h + V.u @ z + b.u)
    h_next = u * h + (1 - u) * z
