from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class MultiplicativeIntegrationLSTM(Cell, family="LSTM"):
    """LSTM whose layers multiply what they take from the input and from the state, and add both.

    Wu, Zhang, Zhang, Bengio & Salakhutdinov (2016), On multiplicative integration with recurrent
    neural networks, NIPS, arXiv 1606.06630, its general form. beta scales the state's share and
    gamma the input's, the paper's beta_1 and beta_2.
    """

    x = Input()
    h, c = State(), State()
    W, U = Matrix(H, I, names="i f g o"), Matrix(H, H, names="i f g o")
    alpha, beta, gamma = Vector(H, at=1), Vector(H, at=0.5), Vector(H, at=0.5)
    b = Vector(H, f=1)

    u_i, u_f, u_g, u_o = W.i @ x, W.f @ x, W.g @ x, W.o @ x
    v_i, v_f, v_g, v_o = U.i @ h, U.f @ h, U.g @ h, U.o @ h
    m_i, m_f, m_g, m_o = u_i * v_i, u_f * v_f, u_g * v_g, u_o * v_o
    i = sigmoid(alpha.i * m_i + beta.i * v_i + gamma.i * u_i + b.i)
    f = sigmoid(alpha.f * m_f + beta.f * v_f + gamma.f * u_f + b.f)
    g = tanh(alpha.g * m_g + beta.g * v_g + gamma.g * u_g + b.g)
    o = sigmoid(alpha.o * m_o + beta.o * v_o + gamma.o * u_o + b.o)
    c_next = f * c + i * g
    h_next = o * tanh(c_next)
