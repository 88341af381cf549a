from derive.language import Axis, Cell, H, I, Input, Matrix, Output, State, sigmoid

K, N = Axis("K", "context_size"), Axis("N", "output_size")


class SCRN(Cell, family="Simple"):
    """Structurally constrained network: slow context units beside fast hidden ones.

    Mikolov, Joulin, Chopra, Mathieu & Ranzato (2015), Learning longer memory in recurrent neural
    networks, arXiv 1412.7753, equations 4 to 6. The output is what the paper's softmax is taken
    of. Yandex's faster-rnnlm trains an alpha for each context unit (section 3.3 of the paper) and
    hands both kinds of units on, without U and V.
    """

    x = Input()
    h, s = State(), State(K)
    alpha = 0.95
    A, R, P, B_x = Matrix(H, I), Matrix(H, H), Matrix(H, K), Matrix(K, I)
    U, V = Matrix(N, H), Matrix(N, K)

    s_next = (1 - alpha) * (B_x @ x) + alpha * s
    h_next = sigmoid(P @ s_next + A @ x + R @ h)
    y = Output(U @ h_next + V @ s_next)
