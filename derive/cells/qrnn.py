from derive.language import Cell, H, I, Input, Matrix, Option, Output, State, sigmoid, tanh


class QRNN(Cell, family="Additive"):
    """Quasi-recurrent network: gates by convolution over the inputs, memory by pooling.

    Bradbury, Merity, Xiong & Socher (2016), Quasi-recurrent neural networks, arXiv 1611.01576,
    section 2, without biases. Of a window of two, the earlier input u is a state, zero before the
    first step as the paper's masked convolution has it. The authors' PyTorch code has biases, and
    its f is the share of what is new.
    """

    pooling = Option("fo", "f", "ifo")
    x = Input()
    c, u = State(), State(I)
    W, V = Matrix(H, I), Matrix(H, I)

    z = tanh(V.z @ u + W.z @ x)
    f = sigmoid(V.f @ u + W.f @ x)
    i = sigmoid(V.i @ u + W.i @ x) if pooling == "ifo" else 1 - f
    c_next = f * c + i * z
    if pooling == "f":
        h = Output(c_next)
    else:
        o = sigmoid(V.o @ u + W.o @ x)
        h = Output(o * c_next)
    u_next = x
