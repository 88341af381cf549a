from derive.language import Cell, H, Input, Matrix, Output, State, Vector, relu, sigmoid, tanh


class IntersectionRNN(Cell, family="Deep"):
    """The +RNN: gates coupled along time and along depth.

    Collins, Sohl-Dickstein & Sussillo (2017), Capacity and trainability in recurrent neural
    networks, ICLR, arXiv 1611.09913, section 2. It takes as many inputs as it has units, and its
    output y goes to the layer above; TensorFlow projects the input of the first layer.
    """

    x = Input(H)
    h = State()
    W, U, b = Matrix(H, H), Matrix(H, H), Vector(H, g_y=1, g_h=1)

    y_in = relu(W.y_in @ x + U.y_in @ h + b.y_in)
    h_in = tanh(W.h_in @ x + U.h_in @ h + b.h_in)
    g_y = sigmoid(W.g_y @ x + U.g_y @ h + b.g_y)
    g_h = sigmoid(W.g_h @ x + U.g_h @ h + b.g_h)
    y = Output(g_y * x + (1 - g_y) * y_in)
    h_next = g_h * h + (1 - g_h) * h_in
