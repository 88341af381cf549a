from derive.language import Cell, H, I, Input, Matrix, State, relu, sigmoid, tanh


class NAS(Cell, family="Deep"):
    """The cell that neural architecture search found for language modelling.

    Zoph & Le (2017), Neural architecture search with reinforcement learning, ICLR, arXiv
    1611.01578, appendix, with TensorFlow's NASCell for the places of its activations. Of the
    eight blocks the fourth, a_3, multiplies its two products where the others add them. Without
    biases.
    """

    x = Input()
    h, c = State(), State()
    W, U = Matrix(H, I), Matrix(H, H)

    a_0, a_1 = sigmoid(W.a_0 @ x + U.a_0 @ h), relu(W.a_1 @ x + U.a_1 @ h)
    a_2, a_3 = sigmoid(W.a_2 @ x + U.a_2 @ h), relu((W.a_3 @ x) * (U.a_3 @ h))
    a_4, a_5 = tanh(W.a_4 @ x + U.a_4 @ h), sigmoid(W.a_5 @ x + U.a_5 @ h)
    a_6, a_7 = tanh(W.a_6 @ x + U.a_6 @ h), sigmoid(W.a_7 @ x + U.a_7 @ h)
    s = tanh(a_0 * a_1)
    m_0, m_1 = tanh(s + c), tanh(a_2 + a_3)
    m_2, m_3 = tanh(a_4 * a_5), sigmoid(a_6 + a_7)
    c_next = m_0 * m_1
    h_next = tanh(c_next * tanh(m_2 + m_3))
