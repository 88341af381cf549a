from derive.language import Cell, H, I, Input, Matrix, State, Vector, exp, relu, sigmoid, tanh


class GRUD(Cell, family="Timed"):
    """GRU with decay: what is missing fades from the last value seen to the mean, and memory too.

    Che, Purushotham, Cho, Sontag & Liu (2018), Recurrent neural networks for multivariate time
    series with missing values, Scientific Reports 8, arXiv 1606.01865. m is 1 where an entry of x
    was seen, else 0, and d the time since it last was. `mean` is that of the training set, to be
    put there by whoever trains; it is not trained itself.
    """

    x, m, d = Input(), Input(I), Input(I)
    h, last = State(), State(I)
    W, U, V, b = Matrix(H, I), Matrix(H, H), Matrix(H, I), Vector(H)
    G, w, b_x, mean = Matrix(H, I), Vector(I), Vector(I), Vector(I, trained=False)

    k = relu(w * d + b_x)
    q = relu(G @ d + b.q)
    fade, forget = exp(-k), exp(-q)
    seen = m * x + (1 - m) * (fade * last + (1 - fade) * mean)
    last_next = m * x + (1 - m) * last
    old = forget * h
    z = sigmoid(W.z @ seen + U.z @ old + V.z @ m + b.z)
    r = sigmoid(W.r @ seen + U.r @ old + V.r @ m + b.r)
    n = tanh(W.n @ seen + U.n @ (r * old) + V.n @ m + b.n)
    h_next = (1 - z) * old + z * n
