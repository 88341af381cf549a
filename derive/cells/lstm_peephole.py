from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class PeepholeLSTM(Cell, family="LSTM"):
    """LSTM whose gates see the memory: the output gate the new one, the others the old one.

    Gers, Schraudolph & Schmidhuber (2002), Learning precise timing with LSTM recurrent networks,
    JMLR 3, but with tanh for both squashing functions, where that paper leaves out the one of the
    output (lstm_noaf). The peephole weights p are vectors: each unit sees its own memory only. The
    "vanilla" LSTM of Greff et al. (2017), doi 10.1109/TNNLS.2016.2582924.
    """

    x = Input()
    h, c = State(), State()
    W, U, p, b = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, f=1)

    i = sigmoid(W.i @ x + U.i @ h + p.i * c + b.i)
    f = sigmoid(W.f @ x + U.f @ h + p.f * c + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + p.o * c_next + b.o)
    h_next = o * tanh(c_next)
