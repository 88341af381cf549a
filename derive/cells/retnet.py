from derive.language import Axis, Cell, I, Input, Matrix, Output, State, outer


class RetNet(Cell, family="Matrix memory"):
    """Retention: a matrix memory that forgets at a fixed rate.

    Sun et al. (2023), Retentive network, arXiv 2307.08621, equation 6, one head, without the
    rotation of queries and keys and the normalisation of the output. Head h of the paper, counted
    from 0, has the decay gamma = 1 - 2^(-5 - h).
    """

    gamma = 0.96875
    K, V = Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S = State(K, V)
    W, P = Matrix(K, I), Matrix(V, I)

    q = W.q @ x
    k = W.k @ x
    v = P.v @ x
    S_next = gamma * S + outer(k, v)
    o = Output(S_next.T @ q)
