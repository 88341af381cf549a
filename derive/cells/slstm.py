from derive.language import (
    Axis, Cell, H, Heads, I, Input, Matrix, Option, State, Vector, exp, log_sigmoid, maximum,
    sigmoid, stop_gradient, tanh,
)  # fmt: skip


class SLSTM(Cell, family="LSTM"):
    """LSTM with exponential gates, a normaliser state and a stabiliser state.

    Beck et al. (2024), xLSTM: extended long short-term memory, NeurIPS, arXiv 2405.04517, equations
    8 to 17, with one head or several. One of the authors' codes (flashrnn) carries max(n, 1) on, so
    that a given n below 1 differs. m starts at -1e30: no first input is too small. Stopping its
    gradient is exact for losses of outputs; one of the final state then takes exp(-m) as constant.
    """

    forget, stopped, heads = Option("sigmoid", "exp"), False, Option("one", "several")
    units = (H,) if heads == "one" else (Heads(), Axis("D", "head_size"))
    x, h, c, n = Input(), State(*units), State(*units), State(*units)
    m = State(*units, start=-1e30)
    W, R, b = Matrix(*units, I), Matrix(*units, units[-1]), Vector(*units, f=1)

    z = tanh(W.z @ x + R.z @ h + b.z)
    i = W.i @ x + R.i @ h + b.i
    f = W.f @ x + R.f @ h + b.f
    o = sigmoid(W.o @ x + R.o @ h + b.o)
    log_f = log_sigmoid(f) if forget == "sigmoid" else f
    m_next = stop_gradient(maximum(log_f + m, i)) if stopped else maximum(log_f + m, i)
    i_stable, f_stable = exp(i - m_next), exp(log_f + m - m_next)
    c_next, n_next = f_stable * c + i_stable * z, f_stable * n + i_stable
    h_next = o * (c_next / n_next)
