from derive.language import Cell, H, I, Input, Matrix, State, each, outer, relu, standardise


class FastWeights(Cell, family="Simple"):
    """A network with a matrix of fast weights, which decays and gains the outer product of h.

    Ba, Hinton, Mnih, Leibo & Ionescu (2016), Using fast weights to attend to the recent past, NIPS,
    arXiv 1610.06258, equations 1 and 2, with the layer normalisation of section 3.2: it is applied
    in the inner loop, without gain and shift.
    """

    decay, rate, rounds, eps = 0.95, 0.5, 1, 1e-5
    x = Input()
    h, A = State(), State(H, H)
    C, W = Matrix(H, I), Matrix(H, H)

    A_next = decay * A + rate * outer(h, h)
    a = C @ x + W @ h
    s = relu(a)
    for _ in each(rounds):
        u = a + A_next @ s
        p = standardise(u, eps=eps)
        s = relu(p)
    h_next = s
