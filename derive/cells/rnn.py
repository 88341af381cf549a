from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, relu, tanh


class RNN(Cell, family="Simple"):
    """Simple recurrent network: the hidden state is squashed and fed back.

    Elman (1990), Finding structure in time, Cognitive Science 14(2), with tanh as its activation;
    with relu, Le, Jaitly & Hinton (2015), arXiv 1504.00941.
    """

    activation = Option(tanh, relu)
    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    h_next = activation(W @ x + U @ h + b)
