from derive.language import Cell, H, I, Input, Matrix, Output, State, Vector, exp, maximum, sigmoid


class RWKV4(Cell, family="Linear"):
    """RWKV's time mixing: a weighted mean of all values so far, its weights decaying with time.

    Peng et al. (2023), RWKV: reinventing RNNs for the transformer era, Findings of EMNLP, arXiv
    2305.13048, equations 11 to 13, 16 and 17, with the running maximum m of the authors' code,
    which keeps the exponentials small. u is what the newest value is favoured by. The input before
    is a state, x_old. The authors spread w and mu over the units.
    """

    x, x_old = Input(), State(I)
    num, den, m = State(), State(), State(start=-1e30)
    W, mu, V = Matrix(H, I), Vector(I, names="r k v", at=0.5), Matrix(I, H)
    w, u = Vector(H), Vector(H)

    x_r = mu.r * x + (1 - mu.r) * x_old
    x_k = mu.k * x + (1 - mu.k) * x_old
    x_v = mu.v * x + (1 - mu.v) * x_old
    r, k, v = sigmoid(W.r @ x_r), W.k @ x_k, W.v @ x_v
    q = maximum(m, u + k)
    e, e_new = exp(m - q), exp(u + k - q)
    o = r * (e * num + e_new * v) / (e * den + e_new)
    y = Output(V @ o)
    m_old = m - exp(w)
    m_next = maximum(m_old, k)
    d, d_new = exp(m_old - m_next), exp(k - m_next)
    num_next, den_next = d * num + d_new * v, d * den + d_new
    x_old_next = x
