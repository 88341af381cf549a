from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, exp, outer, sigmoid,
    softplus, sqrt, sum,
)  # fmt: skip


def unit(a):
    return a / sqrt(sum(a**2) + 1e-6)


class KDA(Cell, family="matrix memory"):
    """Kimi delta attention: the delta rule on a memory whose rows decay, each at a rate of its own.

    Kimi team (2025), Kimi linear, arXiv 2510.26692, equation 1. What is replaced is what the
    decayed memory D has for a key. Without the convolution, and the gate and the normalisation of
    the output.
    """

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(N, K, V)
    R = Axis("R", "rank")
    W, P, w = Matrix(N, K, I), Matrix(N, V, I), Matrix(N, I)
    A, b, F, G = Vector(N), Vector(N, K), Matrix(R, I), Matrix(N, K, R)

    q = unit(W.q @ x)
    k = unit(W.k @ x)
    v = P.v @ x
    beta = sigmoid(w.beta @ x)
    a = exp(-exp(A) * softplus(G @ (F @ x) + b))
    D = a * S
    u = beta * (v - D.T @ k)
    S_next = D + outer(k, u)
    o = Output(S_next.T @ q)
