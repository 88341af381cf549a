from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class ParaLSTM(Cell, family="LSTM"):
    """LSTM with coupled gates and diagonal recurrent matrices: Newton's method runs it in parallel.

    Danieli, Rodríguez, Sarabia, Suau & Zappella (2025), ParaRNN: unlocking parallel training of
    nonlinear RNNs for large language models, arXiv 2510.21450. p are peepholes; the output gate
    sees the new memory. In the authors' code W is block diagonal, one block a head, and the bias of
    f starts spread from 0 to -1.
    """

    x = Input()
    h, c = State(), State()
    W, u, p, b = Matrix(H, I), Vector(H), Vector(H), Vector(H)

    f = sigmoid(W.f @ x + u.f * h + p.f * c + b.f)
    g = tanh(W.g @ x + u.g * h + b.g)
    c_next = f * c + (1 - f) * g
    o = sigmoid(W.o @ x + u.o * h + p.o * c_next + b.o)
    h_next = o * tanh(c_next)
