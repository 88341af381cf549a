from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class STAR(Cell, family="Additive"):
    """Stackable recurrent cell: one gate, and gradients that keep their size in deep stacks.

    Turkoglu, D'Aronco, Wegner & Schindler (2019), Gating revisited: deep multi-layer RNNs that
    can be trained, arXiv 1911.11033, equations 10 to 12. The authors' code is made from that of
    JANET and gates as it does: with s for the negative pre-activation of k, the old state is scaled
    by sigmoid(s) and the new one by 1 - sigmoid(s - 1).
    """

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    z = tanh(W.z @ x + b.z)
    k = sigmoid(W.k @ x + U.k @ h + b.k)
    h_next = tanh((1 - k) * h + k * z)
