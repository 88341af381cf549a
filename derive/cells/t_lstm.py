from derive.language import Cell, H, I, Input, Matrix, Option, State, Vector, log, sigmoid, tanh


class TLSTM(Cell, family="Timed"):
    """Time-aware LSTM: the time since the step before discounts the short-term part of the memory.

    Baytas, Xiao, Zhang, Wang, Jain & Zhou (2017), Patient subtyping via time-aware LSTM networks,
    KDD, section 3.1. dt is the time since the step before. Its discount is 1/log(e + dt), which
    the paper wants where times are long, or 1/dt where they are short. The paper takes the
    short-term part by tanh, the authors' TLSTM.py by sigmoid, and 2.7183 for e.
    """

    discount, part = Option("log", "inverse"), Option(tanh, sigmoid)
    x, dt = Input(), Input(())
    h, c = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)
    D = Matrix(H, H)

    w = 1 / log(2.718281828459045 + dt) if discount == "log" else 1 / dt
    s = part(D @ c + b.s)
    m = c - s + w * s
    i = sigmoid(W.i @ x + U.i @ h + b.i)
    f = sigmoid(W.f @ x + U.f @ h + b.f)
    o = sigmoid(W.o @ x + U.o @ h + b.o)
    g = tanh(W.g @ x + U.g @ h + b.g)
    c_next = f * m + i * g
    h_next = o * tanh(c_next)
