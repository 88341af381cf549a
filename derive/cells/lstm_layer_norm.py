from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, standardise, tanh


class LayerNormLSTM(Cell, family="LSTM"):
    """LSTM with layer normalisation of both products, over all four gates, and of the memory.

    Ba, Kiros & Hinton (2016), Layer normalization, arXiv 1607.06450, equations 20 to 22. The raw
    memory is carried on; TensorFlow's LayerNormBasicLSTMCell carries the normalised one, and
    normalises each gate by itself. The first authors' code (Theano) adds b twice: to the input's
    product before it is normalised, and here. The paper has no epsilon; all codes have.
    """

    x, h, c, eps = Input(), State(), State(), 1e-5
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)
    s_u, s_v, s_c = Vector(H, at=1), Vector(H, at=1), Vector(H, at=1)
    t_u, t_v, t_c = Vector(H), Vector(H), Vector(H)

    u_f, u_i, u_o, u_g = U.f @ h, U.i @ h, U.o @ h, U.g @ h
    v_f, v_i, v_o, v_g = W.f @ x, W.i @ x, W.o @ x, W.g @ x
    p_f, p_i, p_o, p_g = standardise(u_f, u_i, u_o, u_g, eps=eps)
    q_f, q_i, q_o, q_g = standardise(v_f, v_i, v_o, v_g, eps=eps)
    f = sigmoid(s_u.f * p_f + t_u.f + s_v.f * q_f + t_v.f + b.f)
    i = sigmoid(s_u.i * p_i + t_u.i + s_v.i * q_i + t_v.i + b.i)
    o = sigmoid(s_u.o * p_o + t_u.o + s_v.o * q_o + t_v.o + b.o)
    g = tanh(s_u.g * p_g + t_u.g + s_v.g * q_g + t_v.g + b.g)
    c_next = f * c + i * g
    p_c = standardise(c_next, eps=eps)
    h_next = o * tanh(s_c * p_c + t_c)
