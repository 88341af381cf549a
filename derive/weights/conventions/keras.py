"""Keras' recurrent layers (3.15), as keras/src/layers/rnn has them.

Kernels are (I, H). A GRU that resets after the product has two biases, in two rows of one array.
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
    relu,
    sigmoid,
    tanh,
)  # fmt: skip
from derive.weights.layout import Convention, Operator, array


class SimpleRNN(Cell):
    """keras.layers.SimpleRNN."""

    activation = Option(tanh, relu, sigmoid)
    x = Input()
    h = State()
    K, R, b = Matrix(H, I), Matrix(H, H), Vector(H)

    h_next = activation(K @ x + b + R @ h)


class LSTM(Cell):
    """keras.layers.LSTM."""

    activation = Option(tanh, relu, sigmoid)
    recurrent_activation = Option(sigmoid, tanh, relu)
    x = Input()
    h, c = State(), State()
    K, R, b = Matrix(H, I), Matrix(H, H), Vector(H)

    i = recurrent_activation(K.i @ x + b.i + R.i @ h)
    f = recurrent_activation(K.f @ x + b.f + R.f @ h)
    g = activation(K.g @ x + b.g + R.g @ h)
    o = recurrent_activation(K.o @ x + b.o + R.o @ h)
    c_next = f * c + i * g
    h_next = o * activation(c_next)


class GRU(Cell):
    """keras.layers.GRU: z is the share of what is old."""

    reset_after = True
    activation = Option(tanh, relu, sigmoid)
    recurrent_activation = Option(sigmoid, tanh, relu)
    x = Input()
    h = State()
    K, R, b, d = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    if reset_after:
        z = recurrent_activation(K.z @ x + b.z + R.z @ h + d.z)
        r = recurrent_activation(K.r @ x + b.r + R.r @ h + d.r)
        n = activation(K.n @ x + b.n + r * (R.n @ h + d.n))
    else:
        z = recurrent_activation(K.z @ x + b.z + R.z @ h)
        r = recurrent_activation(K.r @ x + b.r + R.r @ h)
        n = activation(K.n @ x + b.n + R.n @ (r * h))
    h_next = z * h + (1 - z) * n


IN_GRU = (
    array("kernel", "K_z K_r K_n", transposed=True),
    array("recurrent_kernel", "R_z R_r R_n", transposed=True),
)

CONVENTION = Convention(
    Path(__file__),
    "Keras",
    (
        Operator(
            "keras.layers.SimpleRNN",
            "SimpleRNN",
            (
                array("kernel", "K", transposed=True),
                array("recurrent_kernel", "R", transposed=True),
                array("bias", "b", group="bias"),
            ),
        ),
        Operator(
            "keras.layers.LSTM",
            "LSTM",
            (
                array("kernel", "K_i K_f K_g K_o", transposed=True),
                array("recurrent_kernel", "R_i R_f R_g R_o", transposed=True),
                array("bias", "b_i b_f b_g b_o", group="bias"),
            ),
        ),
        Operator(
            "keras.layers.GRU",
            "GRU",
            (*IN_GRU, array("bias", "b_z b_r b_n", "d_z d_r d_n", group="bias")),
            {"reset_after": "true"},
        ),
        Operator(
            "keras.layers.GRU",
            "GRU",
            (*IN_GRU, array("bias", "b_z b_r b_n", group="bias")),
            {"reset_after": "false"},
        ),
    ),
)
