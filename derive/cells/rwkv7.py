from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, exp, outer, sigmoid, sqrt, sum,
    tanh,
)  # fmt: skip


class RWKV7(Cell, family="Matrix memory"):
    """RWKV-7's time mixing, its core: a delta rule with a rate for each entry of the key.

    Peng et al. (2025), RWKV-7 "Goose" with expressive dynamic state evolution, arXiv 2503.14456,
    from the mixed inputs on and without what is done with the output. What is replaced is what the
    memory has before it decays. Rows are values here, columns keys, as in the authors' code.
    """

    N, K, V, R = Heads(), Axis("K", "key_size"), Axis("V", "value_size"), Axis("R", "rank")
    x, S = Input(), State(N, V, K)
    W, P, A, B = Matrix(N, K, I), Matrix(N, V, I), Matrix(R, I), Matrix(N, K, R)
    b, xi, alpha = Vector(N, K), Vector(N, K, at=1), Vector(N, K)

    r, p, v = W.r @ x, W.p @ x, P.v @ x
    low, low_a = tanh(A.w @ x), A.a @ x
    w = exp(-exp(-0.5) * sigmoid(b.w + B.w @ low))
    a = sigmoid(b.a + B.a @ low_a)
    z = p * xi
    kappa = z / sqrt(sum(z**2) + 1e-12)
    k = p * (1 + (a - 1) * alpha)
    S_next = S * w - outer(S @ kappa, kappa * a) + outer(v, k)
    y = Output(S_next @ r)
