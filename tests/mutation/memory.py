from derive.language import (  # noqa: I001
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, largest, outer, sigmoid,
    sum, tanh,
)  # fmt: skip


class Memory(Cell):
    """A matrix memory whose rows and columns fade apart; it means nothing."""

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    C, r = State(N, V, K), State(N, V)
    W, P, A, b = Matrix(N, K, I), Matrix(N, V, I), Matrix(N, V, K), Vector(N, V)
    R = Matrix(N, V, V)

    q, k = W.q @ x + sum(A.q.T @ b.f, N), tanh(W.k @ x)
    v = tanh(P.v @ x + b.v + r + R.v @ b.f)
    f = sigmoid(P.f @ x + b.f + sum(A.f, K))
    C_next = r * C + f * outer(v, k) + outer(C @ q, k) * A.C
    r_next = f * r + sum(C_next, K) / 2 + v + R.r.T @ r
    y = Output(C_next @ q + sum(C, K) * r + C_next @ k * largest(q))
