from derive.language import Cell, H, I, Input, Matrix, Output, State, Vector, cos, sigmoid, sin


class HGRN(Cell, family="Linear"):
    """Hierarchically gated recurrent network: a forget gate with a floor, on a turning memory.

    Qin, Yang & Zhong (2023), Hierarchically gated recurrent neural network for sequence modeling,
    NeurIPS, arXiv 2311.04823, section 3, without the layer normalisation before V. The complex
    memory is two real ones. gamma is the floor of the layer, 0 in the lowest and rising with depth;
    the authors train it, and spread theta over the units. flash-linear-attention has a real memory
    instead.
    """

    x = Input()
    h_re, h_im = State(), State()
    gamma = 0.0
    W, b, theta = Matrix(H, I), Vector(H), Vector(H)
    V, d = Matrix(I, H, names="re im"), Vector(I)

    u_re, u_im = W.u_re @ x + b.u_re, W.u_im @ x + b.u_im
    c_re, c_im = u_re * sigmoid(u_re), u_im * sigmoid(u_im)
    f = gamma + (1 - gamma) * sigmoid(W.f @ x + b.f)
    p, q = cos(theta), sin(theta)
    h_re_next = f * (p * h_re - q * h_im) + (1 - f) * c_re
    h_im_next = f * (p * h_im + q * h_re) + (1 - f) * c_im
    g_re, g_im = sigmoid(W.g_re @ x + b.g_re), sigmoid(W.g_im @ x + b.g_im)
    y = Output(V.re @ (g_re * h_re_next) + V.im @ (g_im * h_im_next) + d)
