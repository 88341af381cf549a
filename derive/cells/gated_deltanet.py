from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, exp, outer, sigmoid,
    softplus, sqrt, sum,
)  # fmt: skip


def unit(a):
    return a / sqrt(sum(a**2) + 1e-6)


class GatedDeltaNet(Cell, family="Matrix memory"):
    """The delta rule on a memory that each head lets decay as a whole.

    Yang, Kautz & Hatamizadeh (2025), Gated delta networks, ICLR, arXiv 2412.06464, equation 10.
    What is replaced is what the decayed memory D has for a key. Without the convolution, and
    the gate and the normalisation of the output. The decay is Mamba-2's.
    """

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(N, K, V)
    W, P, w, A, b = Matrix(N, K, I), Matrix(N, V, I), Matrix(N, I), Vector(N), Vector(N)

    q, k, v = unit(W.q @ x), unit(W.k @ x), P.v @ x
    beta = sigmoid(w.beta @ x)
    a = exp(-exp(A) * softplus(w.a @ x + b))
    D = a * S
    u = beta * (v - D.T @ k)
    S_next = D + outer(k, u)
    o = Output(S_next.T @ q)
