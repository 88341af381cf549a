from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class ValveLSTM(Cell, family="LSTM"):
    """LSTM whose valves see the whole memory, through a full matrix.

    Yan (2016), Understanding LSTM and its diagrams. Forget and new-memory valve see the old
    memory, the output valve the new one; the peephole LSTM has a vector where this has the matrix
    V.
    """

    x = Input()
    h, c = State(), State()
    W, U, V, b = Matrix(H, I), Matrix(H, H), Matrix(H, H), Vector(H, f=1)

    f = sigmoid(W.f @ x + U.f @ h + V.f @ c + b.f)
    i = sigmoid(W.i @ x + U.i @ h + V.i @ c + b.i)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + V.o @ c_next + b.o)
    h_next = o * tanh(c_next)
