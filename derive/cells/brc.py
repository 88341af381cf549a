from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class BRC(Cell, family="Bistable"):
    """Bistable recurrent cell: a unit that can latch, fed back by itself alone.

    Vecoven, Ernst & Drion (2021), A bio-inspired bistable recurrent cell allows for long-lasting
    memory, PLOS ONE 16(6), arXiv 2006.05252, equations 4 and 5. In the authors' code a and c have
    biases as well; w starts at 1, as there.
    """

    x = Input()
    h = State()
    U, w = Matrix(H, I), Vector(H, at=1)

    a = 1 + tanh(U.a @ x + w.a * h)
    c = sigmoid(U.c @ x + w.c * h)
    h_next = c * h + (1 - c) * tanh(U.h @ x + a * h)
