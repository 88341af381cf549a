from derive.language import (  # noqa: I001
    Cell, H, I, Input, Matrix, Scalar, State, Vector, absolute, cos, exp, log, maximum, mean, relu,
    sigmoid, sign, sin, softplus, sqrt, tanh,
)  # fmt: skip


class Words(Cell):
    """Every function of the language in one cell, which no other cell has; it means nothing."""

    x = Input()
    h, c, e, l = State(), State(), State(), State()
    W, U, b, s = Matrix(H, I), Matrix(H, H), Vector(H), Scalar()

    p = W.p @ x + U.p @ h + b.p
    q = tanh(absolute(p) - relu(W.q @ x + U.q.T @ c))
    u = maximum(tanh(p), sin(q)) + sign(q) * cos(q)
    v = u - mean(u)
    w = v / sqrt(mean(v**2) + 1) + log(1 + exp(s.w)) * sigmoid(p)
    k = softplus(s.k)
    d = sigmoid(b.d)
    e_next = sigmoid(b.e)
    l_next = h
    c_next = tanh(w + U.c @ h) + softplus(q) * c / (2 + k) + relu(h) / 4
    h_next = tanh(c_next) * k - d * c + e + l / 4
