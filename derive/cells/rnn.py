"""The simple recurrent network."""

from derive.language import Cell, H, I, Input, Matrix, State, Vector, tanh


class RNN(Cell):
    """Simple recurrent network: the hidden state is squashed and fed back.

    Elman (1990), Finding structure in time, Cognitive Science 14(2), with tanh as its activation.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    h_next = tanh(W @ x + U @ h + b)
