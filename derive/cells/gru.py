from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, sigmoid, tanh


class GRU(Cell, family="GRU"):
    """Gated recurrent unit; the reset gate acts before or after the recurrent product.

    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, arXiv 1406.1078:
    its version 3 resets before the product, its version 1 after. z is the share of what is new,
    as in Chung, Gulcehre, Cho & Bengio (2014), arXiv 1412.3555, equations 5 to 8; in Cho et al.,
    PyTorch and ONNX it is the share of what is old. PyTorch resets after, and d_n is its b_hn.
    """

    reset = Option("before", "after")
    x = Input()
    h = State()
    W, U, b, d = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    z = sigmoid(W.z @ x + U.z @ h + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    if reset == "before":
        n = tanh(W.n @ x + U.n @ (r * h) + b.n)
    else:
        n = tanh(W.n @ x + r * (U.n @ h + d.n) + b.n)
    h_next = (1 - z) * h + z * n
