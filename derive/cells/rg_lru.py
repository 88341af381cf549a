from derive.language import (
    Cell, H, Input, Matrix, State, Vector, exp, expm1, sigmoid, softplus, sqrt,
)  # fmt: skip


class RGLRU(Cell, family="Linear"):
    """Real-gated linear recurrent unit: the input says how fast each unit forgets.

    De et al. (2024), Griffin: mixing gated linear recurrences with local attention for efficient
    language models, arXiv 2402.19427, equations 1 to 4, with one head. The recurrent weight,
    sigmoid(Lambda), is raised to the power c r. It takes as many inputs as it has units. The
    authors' code leaves out the root at the first step, and bounds its slope.
    """

    x = Input(H)
    h = State()
    c = 8.0
    W, b, Lambda = Matrix(H, H), Vector(H), Vector(H, at=5)

    r = sigmoid(W.r @ x + b.r)
    i = sigmoid(W.i @ x + b.i)
    s = c * softplus(-Lambda)
    d = -s * r
    h_next = exp(d) * h + sqrt(-expm1(2 * d)) * (i * x)
