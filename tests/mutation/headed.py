from derive.language import (  # noqa: I001
    Axis, Cell, H, Heads, I, Input, Matrix, State, Vector, largest, sum, tanh,
)  # fmt: skip


class Headed(Cell):
    """Heads that read what all of them have written, by matrices of each and one of all; it means
    nothing."""

    N, K = Heads(), Axis("K", "key_size")
    x = Input()
    h, r = State(), State(N, K)
    W, V, R, U = Matrix(N, K, H), Matrix(K, K), Matrix(N, K, K), Matrix(H, I)
    b, c = Vector(N, K), Vector(H)

    d = sum(W.d.T @ b.d, N)
    k = V.k @ b.k
    q = tanh(W.q @ h + V.q @ r + k)
    p = R.p @ r + (R.p * R.p) @ q
    g = tanh(V.g.T @ q) + W.g @ c.g
    r_next = tanh(p) * g + V.r @ q / 2 + r / 2
    h_next = tanh(U.h @ x + d + c.h * h) + largest(sum(g, N))
