"""ONNX's recurrent operators RNN, LSTM and GRU, as its specification has them (opset 22).

Options are the operators' attributes: the activations in their order, in lower case, and switches.
Every array has an entry for each direction; all biases lie in one.
"""

from pathlib import Path

from derive.language import (
    Cell,
    H,
    I,
    Input,
    Matrix,
    Option,
    State,
    Vector,
    absolute,
    relu,
    sigmoid,
    softplus,
    tanh,
)  # fmt: skip
from derive.weights.layout import Convention, Operator, array


def affine(a):
    return a


def softsign(a):
    return a / (1 + absolute(a))


class RNN(Cell):
    """ONNX's RNN."""

    f = Option(tanh, sigmoid, relu, softplus, softsign, affine)
    x = Input()
    h = State()
    W, R, Wb, Rb = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    h_next = f(W @ x + R @ h + Wb + Rb)


class LSTM(Cell):
    """ONNX's LSTM, with peepholes P. Coupled gates, f = 1 - i, are onnxruntime's."""

    f = Option(sigmoid, tanh, relu, softplus, softsign, affine)
    g = Option(tanh, sigmoid, relu, softplus, softsign, affine)
    h = Option(tanh, sigmoid, relu, softplus, softsign, affine)
    input_forget = False
    x = Input()
    H_t, C_t = State(), State()
    W, R, P, Wb, Rb = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H), Vector(H)

    i_t = f(W.i_t @ x + R.i_t @ H_t + P.i_t * C_t + Wb.i_t + Rb.i_t)
    if input_forget:
        f_t = 1 - i_t
    else:
        f_t = f(W.f_t @ x + R.f_t @ H_t + P.f_t * C_t + Wb.f_t + Rb.f_t)
    c_t = g(W.c_t @ x + R.c_t @ H_t + Wb.c_t + Rb.c_t)
    C_t_next = f_t * C_t + i_t * c_t
    o_t = f(W.o_t @ x + R.o_t @ H_t + P.o_t * C_t_next + Wb.o_t + Rb.o_t)
    H_t_next = o_t * h(C_t_next)


class GRU(Cell):
    """ONNX's GRU: z is the share of what is old."""

    f = Option(sigmoid, tanh, relu, softplus, softsign, affine)
    g = Option(tanh, sigmoid, relu, softplus, softsign, affine)
    linear_before_reset = False
    x = Input()
    h = State()
    W, R, Wb, Rb = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    z = f(W.z @ x + R.z @ h + Wb.z + Rb.z)
    r = f(W.r @ x + R.r @ h + Wb.r + Rb.r)
    if linear_before_reset:
        n = g(W.n @ x + r * (R.n @ h + Rb.n) + Wb.n)
    else:
        n = g(W.n @ x + R.n @ (r * h) + Rb.n + Wb.n)
    h_next = (1 - z) * n + z * h


CONVENTION = Convention(
    Path(__file__),
    "ONNX",
    (
        Operator(
            "onnx.RNN", "RNN", (array("W", "W"), array("R", "R"), array("B", "Wb Rb", group="B"))
        ),
        Operator(
            "onnx.LSTM",
            "LSTM",
            (
                array("W", "W_i_t W_o_t W_f_t W_c_t"),
                array("R", "R_i_t R_o_t R_f_t R_c_t"),
                array("B", "Wb_i_t Wb_o_t Wb_f_t Wb_c_t Rb_i_t Rb_o_t Rb_f_t Rb_c_t", group="B"),
                array("P", "P_i_t P_o_t P_f_t", group="P"),
            ),
        ),
        Operator(
            "onnx.GRU",
            "GRU",
            (
                array("W", "W_z W_r W_n"),
                array("R", "R_z R_r R_n"),
                array("B", "Wb_z Wb_r Wb_n Rb_z Rb_r Rb_n", group="B"),
            ),
        ),
    ),
    directions=True,
)
