from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, exp, outer, sigmoid,
    softplus, sqrt, sum,
)  # fmt: skip


def key(a):
    """A swish, of length 1."""
    s = a * sigmoid(a)
    return s / sqrt(sum(s**2) + 1e-6)


class GatedDeltaNet(Cell, family="matrix memory"):
    """The delta rule on a memory that each head lets decay as a whole.

    Yang, Kautz & Hatamizadeh (2025), Gated delta networks, ICLR, arXiv 2412.06464, equation 10. What
    is replaced is what the decayed memory D has for a key. Without the convolution, and the gate and
    the normalisation of the output. The decay is Mamba-2's.
    """

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(N, K, V)
    W, P, w = Matrix(N, K, I, names="q k"), Matrix(N, V, I, names="v"), Matrix(N, I)
    A, b = Vector(N), Vector(N)

    a_q = W.q @ x
    a_k = W.k @ x
    a_v = P.v @ x
    q = key(a_q)
    k = key(a_k)
    v = a_v * sigmoid(a_v)
    beta = sigmoid(w.beta @ x)
    a = exp(-exp(A) * softplus(w.a @ x + b))
    D = a * S
    u = beta * (v - D.T @ k)
    S_next = D + outer(k, u)
    o = Output(S_next.T @ q)
