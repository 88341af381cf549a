from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, exp, log_sigmoid, outer,
)  # fmt: skip


class GLA(Cell, family="Matrix memory"):
    """Gated linear attention: each row of the memory is forgotten at a rate of its own.

    Yang, Wang, Shen, Panda & Kim (2024), Gated linear attention transformers, ICML, arXiv
    2312.06635, equation 3 and section 4.4: the rate is a sigmoid to the power of 1 / tau, of a
    product with two matrices of low rank. What is done with the output is another layer's. The
    authors' code divides q by the root of the keys' size.
    """

    tau = 16
    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    R = Axis("R", "rank")
    x = Input()
    S = State(N, K, V)
    W, P, A, B, b = Matrix(N, K, I), Matrix(N, V, I), Matrix(R, I), Matrix(N, K, R), Vector(N, K)

    q = W.q @ x
    k = W.k @ x
    v = P.v @ x
    low = A @ x
    g = B @ low + b
    a = exp(log_sigmoid(g) / tau)
    S_next = a * S + outer(k, v)
    o = Output(S_next.T @ q)
