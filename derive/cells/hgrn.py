from derive.language import (
    Cell, H, I, Input, Matrix, Output, State, Vector, cos, sigmoid, sin, standardise,
)  # fmt: skip


class HGRN(Cell, family="Linear"):
    """Hierarchically gated recurrent network: a forget gate with a floor, on a turning memory.

    Qin, Yang & Zhong (2023), Hierarchically gated recurrent neural network for sequence modeling,
    NeurIPS, arXiv 2311.04823, section 3. The complex memory is two real ones. gamma is the floor of
    the layer, 0 in the lowest and rising with depth; the authors train it, and
    spread theta over the units. flash-linear-attention has a real memory instead.
    """

    x, h_re, h_im = Input(), State(), State()
    gamma, eps = 0.0, 1e-5
    W, b, theta = Matrix(H, I), Vector(H), Vector(H)
    V, s = Matrix(I, H, names="re im"), Vector(H, names="re im", at=1)
    t, d = Vector(H, names="re im"), Vector(I)

    u_re, u_im = W.u_re @ x + b.u_re, W.u_im @ x + b.u_im
    f = gamma + (1 - gamma) * sigmoid(W.f @ x + b.f)
    h_re_next = f * (cos(theta) * h_re - sin(theta) * h_im) + (1 - f) * u_re * sigmoid(u_re)
    h_im_next = f * (cos(theta) * h_im + sin(theta) * h_re) + (1 - f) * u_im * sigmoid(u_im)
    g_re, g_im = sigmoid(W.g_re @ x + b.g_re), sigmoid(W.g_im @ x + b.g_im)
    v_re, v_im = g_re * h_re_next, g_im * h_im_next
    p_re, p_im = standardise(v_re, v_im, eps=eps)
    o_re, o_im = s.re * p_re + t.re, s.im * p_im + t.im
    y = Output(V.re @ o_re + V.im @ o_im + d)
