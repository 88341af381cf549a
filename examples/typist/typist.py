"""A cell that is in no library."""

from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class Typist(Cell):
    """A gated unit that multiplies what it reads with what it remembers.

    The update gate is the GRU's (Cho et al. 2014, arXiv:1406.1078); what is read and what is
    remembered meet in a product as well as in a sum, as in multiplicative integration (Wu et al.
    2016, arXiv:1606.06630), in the place of a reset gate.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
    s = Vector(H, names="both read kept", both=1, read=1, kept=1)

    z = sigmoid(W.z @ x + U.z @ h + b.z)
    read, kept = W.n @ x, U.n @ h
    n = tanh(s.both * read * kept + s.read * read + s.kept * kept + b.n)
    h_next = (1 - z) * h + z * n
