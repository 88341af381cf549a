from derive.language import Cell, H, I, Input, Matrix, Output, State, tanh


class Fading(Cell):
    """A state that nothing else reads, and that reads nothing else; it means nothing."""

    x = Input()
    h = State()
    W = Matrix(H, I)

    h_next = h / 2
    y = Output(tanh(W @ x))
