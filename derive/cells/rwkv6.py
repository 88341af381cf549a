from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Option, Output, State, Vector, exp, outer, sum, tanh,
)  # fmt: skip


class RWKV6(Cell, family="Matrix memory"):
    """RWKV's time mixing, its core: what is read is the memory before it decays, and the new value.

    Peng et al. (2024), Eagle and Finch: RWKV with matrix-valued states and dynamic recurrence,
    COLM, arXiv 2404.05892, from the mixed inputs on and without the normalisation and the gate of
    the output. The decay is computed from the input in Finch (6), and a parameter in Eagle (5).
    """

    version = Option(6, 5)
    N, K, V, R = Heads(), Axis("K", "key_size"), Axis("V", "value_size"), Axis("R", "rank")
    x = Input()
    S = State(N, K, V)
    W, P, d, u = Matrix(N, K, I), Matrix(N, V, I), Vector(N, K), Vector(N, K)
    A, B = Matrix(R, I), Matrix(N, K, R)

    r = W.r @ x
    k = W.k @ x
    v = P.v @ x
    w = exp(-exp(d + B @ tanh(A @ x) if version == 6 else d))
    y = Output(S.T @ r + sum(u * k * r) * v)
    S_next = w * S + outer(k, v)
