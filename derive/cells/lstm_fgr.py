from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class FullGateRecurrenceLSTM(Cell, family="LSTM"):
    """LSTM whose gates see all gates of the step before: nine more matrices.

    Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017), LSTM: a search space odyssey,
    IEEE TNNLS 28(10), section III: FGR. Of the matrix R_f_i the first letter is the gate that is
    seen, the second the one that sees.
    """

    x = Input()
    h, c = State(), State()
    i, f, o = State(), State(), State()
    W, U, p, b = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, f=1)
    R = Matrix(H, H, names="i_i f_i o_i i_f f_f o_f i_o f_o o_o")

    a_i = W.i @ x + U.i @ h + p.i * c + b.i
    a_f = W.f @ x + U.f @ h + p.f * c + b.f
    i_next = sigmoid(a_i + R.i_i @ i + R.f_i @ f + R.o_i @ o)
    f_next = sigmoid(a_f + R.i_f @ i + R.f_f @ f + R.o_f @ o)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f_next * c + i_next * g
    a_o = W.o @ x + U.o @ h + p.o * c_next + b.o
    o_next = sigmoid(a_o + R.i_o @ i + R.f_o @ f + R.o_o @ o)
    h_next = o_next * tanh(c_next)
