from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, outer, sigmoid, sqrt, sum,
)  # fmt: skip


def unit(a):
    return a / sqrt(sum(a**2) + 1e-6)


class DeltaNet(Cell, family="Matrix memory"):
    """Linear attention by the delta rule: what the memory has for a key is replaced, not added to.

    Schlag, Irie & Schmidhuber (2021), Linear transformers are secretly fast weight programmers,
    ICML, arXiv 2102.11174, equation 24, with keys and queries as in Yang et al. (2024), arXiv
    2406.06484, but without their convolution.
    """

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(N, K, V)
    W, P, w = Matrix(N, K, I), Matrix(N, V, I), Matrix(N, I)

    q, k, v = unit(W.q @ x), unit(W.k @ x), P.v @ x
    beta = sigmoid(w.beta @ x)
    u = beta * (v - S.T @ k)
    S_next = S + outer(k, u)
    o = Output(S_next.T @ q)
