from derive.language import (
    Cell, H, I, Input, Matrix, Option, State, Vector, exp, log_sigmoid, maximum, sigmoid,
    stop_gradient, tanh,
)  # fmt: skip


class SLSTM(Cell, family="LSTM"):
    """LSTM with exponential gates, a normaliser state and a stabiliser state.

    Beck et al. (2024), xLSTM: extended long short-term memory, NeurIPS, arXiv 2405.04517, equations
    8 to 17, with one head. One of the authors' codes (flashrnn) carries max(n, 1) on, which differs
    only for a given n below 1. m starts at -1e30, not 0: no first input is too small. Stopping its
    gradient is exact for losses of outputs; one of the final state then takes exp(-m) as constant.
    """

    forget, stopped = Option("sigmoid", "exp"), False
    x, h, c, n, m = Input(), State(), State(), State(), State(start=-1e30)
    W, R, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)

    z = tanh(W.z @ x + R.z @ h + b.z)
    i = W.i @ x + R.i @ h + b.i
    f = W.f @ x + R.f @ h + b.f
    o = sigmoid(W.o @ x + R.o @ h + b.o)
    log_f = log_sigmoid(f) if forget == "sigmoid" else f
    m_next = stop_gradient(maximum(log_f + m, i)) if stopped else maximum(log_f + m, i)
    i_stable = exp(i - m_next)
    f_stable = exp(log_f + m - m_next)
    c_next = f_stable * c + i_stable * z
    n_next = f_stable * n + i_stable
    h_next = o * (c_next / n_next)
