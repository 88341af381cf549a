from derive.language import Axis, Cell, Heads, I, Input, Matrix, Output, State, Vector, outer


class RetNet(Cell, family="Matrix memory"):
    """Retention: matrix memories that forget at fixed rates, each head at its own.

    Sun et al. (2023), Retentive network, arXiv 2307.08621, equation 6, with the rates of equation
    8, without the rotation of queries and keys, and the normalisation and the gate of the output.
    The authors' code divides the keys by the root of their size.
    """

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(N, K, V)
    W, P = Matrix(N, K, I), Matrix(N, V, I)
    gamma = Vector(N, trained=False, at=lambda n: 1 - 2 ** (-5 - n))

    q = W.q @ x
    k = W.k @ x
    v = P.v @ x
    S_next = gamma * S + outer(k, v)
    o = Output(S_next.T @ q)
