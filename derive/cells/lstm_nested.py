from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class NestedLSTM(Cell, family="LSTM"):
    """LSTM whose memory is an LSTM: what would be added goes through an inner one.

    Moniz & Krueger (2017), Nested LSTMs, ACML, PMLR 77, arXiv 1801.10308. The inner LSTM takes i g
    for its input and f c for its hidden state, and its new hidden state is the memory c. The
    candidate g of the outer one is linear, as in the paper.
    """

    x = Input()
    h, c, m = State(), State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1, f_in=1)
    V = Matrix(H, H)

    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = W.g @ x + U.g @ h + b.g
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    u, v = i * g, f * c
    i_in = sigmoid(V.i_in @ u + U.i_in @ v + b.i_in)
    f_in = sigmoid(V.f_in @ u + U.f_in @ v + b.f_in)
    g_in = tanh(V.g_in @ u + U.g_in @ v + b.g_in)
    o_in = sigmoid(V.o_in @ u + U.o_in @ v + b.o_in)
    m_next = f_in * m + i_in * g_in
    c_next = o_in * tanh(m_next)
    h_next = o * tanh(c_next)
