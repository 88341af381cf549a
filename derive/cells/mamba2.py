from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, exp, outer, softplus,
)  # fmt: skip


class Mamba2(Cell, family="Matrix memory"):
    """A state space model with one decay for each head, and keys and queries that heads share.

    Dao & Gu (2024), Transformers are SSMs, ICML, arXiv 2405.21060, section 7, from the convolution
    on and without the gate and the normalisation of the output. Here u is what each head's channels
    take in.
    """

    N, P, S = Heads(), Axis("P", "head_size"), Axis("S", "state_size")
    x = Input()
    h = State(N, P, S)
    W, G, w = Matrix(N, P, I), Matrix(S, I, names="B C"), Matrix(N, I)
    A, b, d = Vector(N), Vector(N), Vector(N, at=1)

    u = W @ x
    B = G.B @ x
    C = G.C @ x
    dt = softplus(w.dt @ x + b)
    h_next = exp(-dt * exp(A)) * h + outer(dt * u, B)
    y = Output(h_next @ C + d * u)
