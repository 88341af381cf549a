from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, State, exp, minimum, outer, relu, sum,
)  # fmt: skip


class LinearAttention(Cell, family="Matrix memory"):
    """Linear attention: a matrix of keys and values, and the sum of the keys to normalise with.

    Katharopoulos, Vyas, Pappas & Fleuret (2020), Transformers are RNNs, ICML, arXiv 2006.16236,
    equations 16 to 20, where the feature map is elu + 1.
    """

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S, z = State(N, K, V), State(N, K)
    W, P = Matrix(N, K, I), Matrix(N, V, I)

    a = W.a @ x
    c = W.c @ x
    q = relu(a) + exp(minimum(a, 0))
    k = relu(c) + exp(minimum(c, 0))
    v = P.v @ x
    S_next = S + outer(k, v)
    z_next = z + k
    y = Output(S_next.T @ q / sum(z_next * q))
