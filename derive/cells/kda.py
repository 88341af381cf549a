from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, exp, outer, sigmoid,
    softplus, sqrt, sum,
)  # fmt: skip


def unit(a):
    return a / sqrt(sum(a**2) + 1e-6)


class KDA(Cell, family="Matrix memory"):
    """Kimi delta attention: the delta rule on a memory whose rows decay, each at a rate of its own.

    Kimi-Team (2025), Kimi linear, arXiv 2510.26692, equation 1, without the convolution, and the
    gate and the normalisation of the output. The decayed memory D is asked for what is replaced.
    """

    N, K, V, R = Heads(), Axis("K", "key_size"), Axis("V", "value_size"), Axis("R", "rank")
    x, S = Input(), State(N, K, V)
    W, P, w = Matrix(N, K, I), Matrix(N, V, I), Matrix(N, I)
    A, b, F, G = Vector(N), Vector(N, K), Matrix(R, I), Matrix(N, K, R)

    q, k, v = unit(W.q @ x), unit(W.k @ x), P.v @ x
    beta, low = sigmoid(w.beta @ x), F @ x
    g = G @ low + b
    a = exp(-exp(A) * softplus(g))
    D = a * S
    u = beta * (v - D.T @ k)
    S_next = D + outer(k, u)
    o = Output(S_next.T @ q)
