from derive.language import Cell, H, I, Input, Matrix, Output, State, Vector, sigmoid, tanh


class ELSTM(Cell, family="LSTM"):
    """Element-wise LSTM: within the recurrence each unit sees its own memory only.

    Irie, Gopalakrishnan & Schmidhuber (2024), Exploring the promise and limits of real-time
    recurrent learning, ICLR, arXiv 2305.19044, section 3. The output gate sees the new memory of
    all units. Its gradient can be carried forward in time, with one number for each parameter.
    """

    x = Input()
    c = State()
    W, w, b, U = Matrix(H, I), Vector(H), Vector(H), Matrix(H, H)

    f = sigmoid(W.f @ x + w.f * c + b.f)
    z = tanh(W.z @ x + w.z * c + b.z)
    c_next = f * c + (1 - f) * z
    o = sigmoid(W.o @ x + U.o @ c_next + b.o)
    h = Output(o * c_next)
