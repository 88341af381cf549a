"""PyTorch's recurrent layers, as torch.nn documents them (2.13).

A layer and its cell, ``LSTM`` and ``LSTMCell``, have the same tensors; those of a layer's layers
have numbers. Every gate has two biases, and without ``bias`` there are none.
"""

from pathlib import Path

from derive.language import (
    Axis,
    Cell,
    H,
    I,
    Input,
    Matrix,
    Option,
    State,
    Vector,
    relu,
    sigmoid,
    tanh,
)  # fmt: skip
from derive.weights.layout import Convention, Operator, array

P = Axis("P", "proj_size")


class RNN(Cell):
    """torch.nn.RNN."""

    nonlinearity = Option(tanh, relu)
    x = Input()
    h = State()
    W_ih, W_hh, b_ih, b_hh = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    h_next = nonlinearity(W_ih @ x + b_ih + W_hh @ h + b_hh)


class LSTM(Cell):
    """torch.nn.LSTM."""

    x = Input()
    h, c = State(), State()
    W_ih, W_hh, b_ih, b_hh = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    i = sigmoid(W_ih.i @ x + b_ih.i + W_hh.i @ h + b_hh.i)
    f = sigmoid(W_ih.f @ x + b_ih.f + W_hh.f @ h + b_hh.f)
    g = tanh(W_ih.g @ x + b_ih.g + W_hh.g @ h + b_hh.g)
    o = sigmoid(W_ih.o @ x + b_ih.o + W_hh.o @ h + b_hh.o)
    c_next = f * c + i * g
    h_next = o * tanh(c_next)


class ProjectedLSTM(Cell):
    """torch.nn.LSTM with proj_size."""

    x = Input()
    h, c = State(P), State()
    W_ih, W_hh, W_hr = Matrix(H, I), Matrix(H, P), Matrix(P, H)
    b_ih, b_hh = Vector(H), Vector(H)

    i = sigmoid(W_ih.i @ x + b_ih.i + W_hh.i @ h + b_hh.i)
    f = sigmoid(W_ih.f @ x + b_ih.f + W_hh.f @ h + b_hh.f)
    g = tanh(W_ih.g @ x + b_ih.g + W_hh.g @ h + b_hh.g)
    o = sigmoid(W_ih.o @ x + b_ih.o + W_hh.o @ h + b_hh.o)
    c_next = f * c + i * g
    h_next = W_hr @ (o * tanh(c_next))


class GRU(Cell):
    """torch.nn.GRU: z is the share of what is old, and the reset gate acts after the product."""

    x = Input()
    h = State()
    W_ih, W_hh, b_ih, b_hh = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    r = sigmoid(W_ih.r @ x + b_ih.r + W_hh.r @ h + b_hh.r)
    z = sigmoid(W_ih.z @ x + b_ih.z + W_hh.z @ h + b_hh.z)
    n = tanh(W_ih.n @ x + b_ih.n + r * (W_hh.n @ h + b_hh.n))
    h_next = (1 - z) * n + z * h


IN_RNN = (
    array("weight_ih", "W_ih"),
    array("weight_hh", "W_hh"),
    array("bias_ih", "b_ih", group="bias"),
    array("bias_hh", "b_hh", group="bias"),
)
IN_LSTM = (
    array("weight_ih", "W_ih_i W_ih_f W_ih_g W_ih_o"),
    array("weight_hh", "W_hh_i W_hh_f W_hh_g W_hh_o"),
    array("bias_ih", "b_ih_i b_ih_f b_ih_g b_ih_o", group="bias"),
    array("bias_hh", "b_hh_i b_hh_f b_hh_g b_hh_o", group="bias"),
)
IN_GRU = (
    array("weight_ih", "W_ih_r W_ih_z W_ih_n"),
    array("weight_hh", "W_hh_r W_hh_z W_hh_n"),
    array("bias_ih", "b_ih_r b_ih_z b_ih_n", group="bias"),
    array("bias_hh", "b_hh_r b_hh_z b_hh_n", group="bias"),
)

CONVENTION = Convention(
    Path(__file__),
    "PyTorch",
    (
        Operator("torch.nn.RNN", "RNN", IN_RNN),
        Operator("torch.nn.LSTM", "LSTM", IN_LSTM),
        Operator(
            "torch.nn.LSTM with proj_size", "ProjectedLSTM", (*IN_LSTM, array("weight_hr", "W_hr"))
        ),
        Operator("torch.nn.GRU", "GRU", IN_GRU),
    ),
    suffixes=("_l{layer}{reverse}", ""),
    reverse="_reverse",
)
