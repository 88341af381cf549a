from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, outer, sigmoid, sqrt, sum,
)  # fmt: skip


def key(a):
    """A swish, of length 1."""
    s = a * sigmoid(a)
    return s / sqrt(sum(s**2) + 1e-6)


class DeltaNet(Cell, family="matrix memory"):
    """Linear attention by the delta rule: what the memory has for a key is replaced, not added to.

    Schlag, Irie & Schmidhuber (2021), Linear transformers are secretly fast weight programmers,
    ICML, arXiv 2102.11174, equations 20 to 25, with keys and queries as in Yang et al. (2024), arXiv
    2406.06484, but without their convolution.
    """

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(N, K, V)
    W, P, w = Matrix(N, K, I, names="q k"), Matrix(N, V, I, names="v"), Matrix(N, I)

    a_q = W.q @ x
    a_k = W.k @ x
    a_v = P.v @ x
    q = key(a_q)
    k = key(a_k)
    v = a_v * sigmoid(a_v)
    beta = sigmoid(w.beta @ x)
    u = beta * (v - S.T @ k)
    S_next = S + outer(k, u)
    o = Output(S_next.T @ q)
