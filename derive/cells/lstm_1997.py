from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, sigmoid, tanh


class LSTM1997(Cell, family="LSTM"):
    """The original: memory that never forgets, without a forget gate.

    Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), section 4
    and appendix A.1: one cell per block, g squashes into [-2, 2] and h into [-1, 1] by the
    logistic function. Most codes use tanh for both (squashing=tanh). The hidden state alone is
    fed back.
    """

    squashing = Option("logistic", "tanh")
    x = Input()
    h, c = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    i = sigmoid(W.i @ x + U.i @ h + b.i)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    a = W.g @ x + U.g @ h + b.g
    g = 4 * sigmoid(a) - 2 if squashing == "logistic" else tanh(a)
    c_next = c + i * g
    s = 2 * sigmoid(c_next) - 1 if squashing == "logistic" else tanh(c_next)
    h_next = o * s
