from derive.language import Axis, Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh

P = Axis("P", "projection_size")


class ProjectedLSTM(Cell, family="LSTM"):
    """LSTM whose hidden state is a projection of its output: more memory than feedback.

    Sak, Senior & Beaufays (2014), Long short-term memory recurrent neural network architectures
    for large scale acoustic modeling, Interspeech, equations 7 to 14, without the non-recurrent
    projection. PyTorch's LSTM with proj_size has no peepholes (peepholes=false).
    """

    peepholes = True
    x = Input()
    h, c = State(P), State()
    W, U, V = Matrix(H, I), Matrix(H, P), Matrix(P, H)
    p, b = Vector(H), Vector(H, f=1)

    i = sigmoid(W.i @ x + U.i @ h + (p.i * c if peepholes else 0) + b.i)
    f = sigmoid(W.f @ x + U.f @ h + (p.f * c if peepholes else 0) + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * c + i * g
    o = sigmoid(W.o @ x + U.o @ h + (p.o * c_next if peepholes else 0) + b.o)
    m = o * tanh(c_next)
    h_next = V @ m
