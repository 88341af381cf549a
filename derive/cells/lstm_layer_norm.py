from derive.language import Cell, H, I, Input, Matrix, State, Vector, mean, sigmoid, sqrt, tanh


class LayerNormLSTM(Cell, family="LSTM"):
    """LSTM with layer normalisation of both products, over all four gates, and of the memory.

    Ba, Kiros & Hinton (2016), Layer normalization, arXiv 1607.06450, equations 20 to 22. The raw
    memory is carried on; TensorFlow's LayerNormBasicLSTMCell carries the normalised one, and
    normalises each gate by itself. The paper has no epsilon; all codes have.
    """

    x, h, c, eps = Input(), State(), State(), 1e-5
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)
    s_u, s_v, s_c = Vector(H, at=1), Vector(H, at=1), Vector(H, at=1)
    t_u, t_v, t_c = Vector(H), Vector(H), Vector(H)

    u_f, u_i, u_o, u_g = U.f @ h, U.i @ h, U.o @ h, U.g @ h
    v_f, v_i, v_o, v_g = W.f @ x, W.i @ x, W.o @ x, W.g @ x
    m_u, m_v = mean(u_f + u_i + u_o + u_g) / 4, mean(v_f + v_i + v_o + v_g) / 4
    p_f, p_i, p_o, p_g = u_f - m_u, u_i - m_u, u_o - m_u, u_g - m_u
    q_f, q_i, q_o, q_g = v_f - m_v, v_i - m_v, v_o - m_v, v_g - m_v
    d_u = sqrt(mean(p_f**2 + p_i**2 + p_o**2 + p_g**2) / 4 + eps)
    d_v = sqrt(mean(q_f**2 + q_i**2 + q_o**2 + q_g**2) / 4 + eps)
    f = sigmoid(s_u.f * p_f / d_u + t_u.f + s_v.f * q_f / d_v + t_v.f + b.f)
    i = sigmoid(s_u.i * p_i / d_u + t_u.i + s_v.i * q_i / d_v + t_v.i + b.i)
    o = sigmoid(s_u.o * p_o / d_u + t_u.o + s_v.o * q_o / d_v + t_v.o + b.o)
    g = tanh(s_u.g * p_g / d_u + t_u.g + s_v.g * q_g / d_v + t_v.g + b.g)
    c_next = f * c + i * g
    p_c = c_next - mean(c_next)
    h_next = o * tanh(s_c * p_c / sqrt(mean(p_c**2) + eps) + t_c)
