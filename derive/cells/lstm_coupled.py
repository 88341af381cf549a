from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class CoupledLSTM(Cell, family="LSTM"):
    """LSTM that forgets exactly where it writes: the input gate is 1 - f.

    Greff, Srivastava, Koutník, Steunebrink & Schmidhuber (2017), LSTM: a search space odyssey,
    IEEE TNNLS 28(10); here without peepholes (with them: lstm_cifg). ONNX's input_forget couples
    the other way round, f = 1 - i (so onnxruntime).
    """

    x = Input()
    h, c = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)

    f = sigmoid(W.f @ x + U.f @ h + b.f)
    g = tanh(W.g @ x + U.g @ h + b.g)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    c_next = f * c + (1 - f) * g
    h_next = o * tanh(c_next)
