from derive.language import (  # noqa: I001
    Cell, H, I, Input, Matrix, Output, Scalar, State, Vector, mean, sigmoid, tanh,
)  # fmt: skip


class Constants(Cell):
    """A cell that computes with parameters alone wherever it can; it means nothing."""

    a = Input()
    h, c = State(), State()
    W, U, b, s = Matrix(H, I), Matrix(H, H), Vector(H), Scalar()
    V = Matrix(H, H, names="f g")

    k = U.k @ b.p + b.p
    f = U.f @ b.k
    g = U.g @ b.k
    p = V.f.T @ f + V.g.T @ g + U.p.T @ b.p
    q = mean(b.k) + tanh(s.q)
    u = tanh(W.u @ a + U.u @ h + b.u + k)
    n = mean(u) + mean(h)
    o = mean(U.o @ h * mean(h)) * b.o
    v = tanh(V.f @ h) * tanh(V.g @ h)
    r = tanh((U.r * V.f) @ h) * ((U.r * V.g) @ b.k)
    c_next = tanh(k) * c + (1 + q) * u + n + o * h
    h_next = tanh(c_next) * (1 + b.k) + p * v * r + q + U.h @ b.h
    i = sigmoid(U.i @ h_next + b.i)
    j = tanh(U.j @ h_next + b.j)
    y = Output(i * j)
