from derive.language import Cell, H, I, Input, Matrix, State, sigmoid, tanh


class NBRC(Cell, family="Bistable"):
    """Neuromodulated bistable recurrent cell: the other units say when a unit latches.

    Vecoven, Ernst & Drion (2021), A bio-inspired bistable recurrent cell allows for long-lasting
    memory, PLOS ONE 16(6), arXiv 2006.05252, equations 4 and 6. In the authors' code a and c have
    biases as well.
    """

    x = Input()
    h = State()
    U, W = Matrix(H, I), Matrix(H, H)

    a = 1 + tanh(U.a @ x + W.a @ h)
    c = sigmoid(U.c @ x + W.c @ h)
    h_next = c * h + (1 - c) * tanh(U.h @ x + a * h)
