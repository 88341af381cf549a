from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, standardise, tanh


class LayerNormGRU(Cell, family="GRU"):
    """GRU with layer normalisation of its four products: those of both gates together.

    Ba, Kiros & Hinton (2016), Layer normalization, arXiv 1607.06450, in its supplement. The reset
    gate acts after the recurrent product. In the first authors' code (Theano) the input's products
    have a bias before they are normalised, and z is the share of what is old.
    """

    x, h, eps = Input(), State(), 1e-5
    W, U = Matrix(H, I), Matrix(H, H)
    s_u, s_v, t_u, t_v = Vector(H, at=1), Vector(H, at=1), Vector(H), Vector(H)

    u_z, u_r, u_n = U.z @ h, U.r @ h, U.n @ h
    v_z, v_r, v_n = W.z @ x, W.r @ x, W.n @ x
    p_z, p_r = standardise(u_z, u_r, eps=eps)
    q_z, q_r = standardise(v_z, v_r, eps=eps)
    p_n, q_n = standardise(u_n, eps=eps), standardise(v_n, eps=eps)
    z = sigmoid(s_u.z * p_z + t_u.z + s_v.z * q_z + t_v.z)
    r = sigmoid(s_u.r * p_r + t_u.r + s_v.r * q_r + t_v.r)
    m = s_u.n * p_n + t_u.n
    n = tanh(s_v.n * q_n + t_v.n + r * m)
    h_next = (1 - z) * h + z * n
