from derive.language import Cell, H, I, Input, Matrix, State, sigmoid


class ATR(Cell, family="Additive"):
    """Addition-subtraction twin-gated network: one sum and one difference are the gates.

    Zhang, Xiong, Su, Lin & Zhang (2018), Simplifying neural machine translation with addition-
    subtraction twin-gated recurrent networks, EMNLP, arXiv 1810.12546, equations 9 to 13,
    with the forget gate as its authors have corrected it (in the README of their code): what the
    paper prints is a misprint.
    """

    x = Input()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    p = W @ x
    q = U @ h
    i = sigmoid(p + q)
    f = sigmoid(p - q)
    h_next = i * p + f * h
