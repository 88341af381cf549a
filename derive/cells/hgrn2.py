from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, outer, sigmoid,
)  # fmt: skip


class HGRN2(Cell, family="Matrix memory"):
    """Gated linear attention whose key is what the forget gate leaves over.

    Qin et al. (2024), HGRN2: gated linear RNNs with state expansion, COLM, arXiv 2404.07904. The
    forget gate does not fall below `lower`, which is learnt there. What is done with the output is
    another layer's.
    """

    lower = 0.0
    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(N, K, V)
    W, P = Matrix(N, K, I), Matrix(N, V, I)

    f = lower + (1 - lower) * sigmoid(W.f @ x)
    u = W.u @ x
    q = u * sigmoid(u)
    v = P.v @ x
    S_next = f * S + outer(1 - f, v)
    o = Output(S_next.T @ q)
