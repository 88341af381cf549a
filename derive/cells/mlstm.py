from derive.language import (
    Axis, Cell, Heads, I, Input, Matrix, Output, Size, State, Vector, absolute, exp, log_sigmoid,
    maximum, outer, sigmoid, sum,
)  # fmt: skip


class MLSTM(Cell, family="Matrix memory"):
    """LSTM with a matrix memory and exponential gates, one of each for each head.

    Beck et al. (2024), xLSTM: extended long short-term memory, NeurIPS, arXiv 2405.04517,
    equations 19 to 27, stabilised as in its appendix. The authors' code adds eps = 1e-6 to the
    divisor; with it the output depends on the stabiliser m. m starts at -1e30, at 0 in their code.
    """

    eps = 0.0
    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    C, n, m = State(N, V, K), State(N, K), State(N, start=-1e30)
    W, P, w = Matrix(N, K, I), Matrix(N, V, I), Matrix(N, I)
    b, d, c = Vector(N, K), Vector(N, V), Vector(N)

    q, k = W.q @ x + b.q, W.k @ x / Size(K) ** 0.5 + b.k
    v, o = P.v @ x + d.v, sigmoid(P.o @ x + d.o)
    i = w.i @ x + c.i
    log_f = log_sigmoid(w.log_f @ x + c.log_f)
    m_next = maximum(log_f + m, i)
    F, G = exp(log_f + m - m_next), exp(i - m_next)
    C_next = F * C + G * outer(v, k)
    n_next = F * n + G * k
    h = Output(o * (C_next @ q) / (maximum(absolute(sum(n_next * q)), exp(-m_next)) + eps))
