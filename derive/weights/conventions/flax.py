"""Flax' recurrent cells (0.12): those of flax.linen, and those of flax.nnx where they differ.

Kernels are (I, H), an array for each gate. In linen, OptimizedLSTMCell has the arrays of LSTMCell.
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
from derive.weights.layout import Array, Convention, Operator, array


class SimpleCell(Cell):
    """flax.linen.SimpleCell, flax.nnx.SimpleCell."""

    activation_fn = Option(tanh, relu, sigmoid)
    residual = False
    x = Input()
    h = State()
    W_i, b_i, W_h = Matrix(H, I), Vector(H), Matrix(H, H)

    h_next = activation_fn(W_i @ x + b_i + W_h @ h + (h if residual else 0))


class LSTMCell(Cell):
    """flax.linen.LSTMCell and its optimized form, flax.nnx.LSTMCell and its."""

    gate_fn = Option(sigmoid, tanh, relu)
    activation_fn = Option(tanh, relu, sigmoid)
    x = Input()
    h, c = State(), State()
    W_i, W_h, b_h = Matrix(H, I), Matrix(H, H), Vector(H)

    i = gate_fn(W_i.i @ x + W_h.i @ h + b_h.i)
    f = gate_fn(W_i.f @ x + W_h.f @ h + b_h.f)
    g = activation_fn(W_i.g @ x + W_h.g @ h + b_h.g)
    o = gate_fn(W_i.o @ x + W_h.o @ h + b_h.o)
    c_next = f * c + i * g
    h_next = o * activation_fn(c_next)


class GRUCell(Cell):
    """flax.linen.GRUCell: z is the share of what is old, and the reset gate acts after the
    product."""

    gate_fn = Option(sigmoid, tanh, relu)
    activation_fn = Option(tanh, relu, sigmoid)
    x = Input()
    h = State()
    W_i, b_i, W_h, b_h = Matrix(H, I), Vector(H), Matrix(H, H), Vector(H)

    r = gate_fn(W_i.r @ x + b_i.r + W_h.r @ h)
    z = gate_fn(W_i.z @ x + b_i.z + W_h.z @ h)
    n = activation_fn(W_i.n @ x + b_i.n + r * (W_h.n @ h + b_h.n))
    h_next = (1 - z) * n + z * h


class PlainGRUCell(Cell):
    """flax.nnx.GRUCell: the same, but for a bias that it has not."""

    gate_fn = Option(sigmoid, tanh, relu)
    activation_fn = Option(tanh, relu, sigmoid)
    x = Input()
    h = State()
    W_i, b_i, W_h = Matrix(H, I), Vector(H), Matrix(H, H)

    r = gate_fn(W_i.r @ x + b_i.r + W_h.r @ h)
    z = gate_fn(W_i.z @ x + b_i.z + W_h.z @ h)
    n = activation_fn(W_i.n @ x + b_i.n + r * (W_h.n @ h))
    h_next = (1 - z) * n + z * h


class MGUCell(Cell):
    """flax.linen.MGUCell: f is the share of what is old, and resets after the product."""

    gate_fn = Option(sigmoid, tanh, relu)
    activation_fn = Option(tanh, relu, sigmoid)
    reset_gate = True
    x = Input()
    h = State()
    W_i, b_i, W_h, b_h = Matrix(H, I), Vector(H), Matrix(H, H), Vector(H)

    f = gate_fn(W_i.f @ x + b_i.f + W_h.f @ h)
    if reset_gate:
        n = activation_fn(W_i.n @ x + b_i.n + f * (W_h.n @ h + b_h.n))
    else:
        n = activation_fn(W_i.n @ x + b_i.n + W_h.n @ h)
    h_next = (1 - f) * n + f * h


def dense(name: str, kernel: str, bias: str = "") -> tuple[Array, ...]:
    """The arrays of a Dense or Linear of this name."""
    made = (array(f"{name}.kernel", kernel, transposed=True),)
    return (*made, array(f"{name}.bias", bias)) if bias else made


def of_gates(names: dict[str, tuple[str, str]]) -> tuple[Array, ...]:
    """The arrays of an LSTM that has a Dense for each gate, two for i, f, g and o in turn."""
    return tuple(
        made
        for gate, (i, h) in names.items()
        for made in (*dense(i, f"W_i_{gate}"), *dense(h, f"W_h_{gate}", f"b_h_{gate}"))
    )


IN_LINEN_GRU = (
    *dense("ir", "W_i_r", "b_i_r"),
    *dense("iz", "W_i_z", "b_i_z"),
    *dense("in", "W_i_n", "b_i_n"),
    *dense("hr", "W_h_r"),
    *dense("hz", "W_h_z"),
    *dense("hn", "W_h_n", "b_h_n"),
)
IN_LINEN_MGU = (
    *dense("if", "W_i_f", "b_i_f"),
    *dense("in", "W_i_n", "b_i_n"),
    *dense("hf", "W_h_f"),
)
LINEN = {"i": ("ii", "hi"), "f": ("if", "hf"), "g": ("ig", "hg"), "o": ("io", "ho")}
FUSED = (
    *dense("dense_i", "W_i_i W_i_f W_i_g W_i_o"),
    *dense("dense_h", "W_h_i W_h_f W_h_g W_h_o", "b_h_i b_h_f b_h_g b_h_o"),
)

CONVENTION = Convention(
    Path(__file__),
    "Flax",
    (
        Operator(
            "flax.linen.SimpleCell", "SimpleCell", (*dense("i", "W_i", "b_i"), *dense("h", "W_h"))
        ),
        Operator("flax.linen.LSTMCell", "LSTMCell", of_gates(LINEN)),
        Operator("flax.linen.GRUCell", "GRUCell", IN_LINEN_GRU),
        Operator(
            "flax.linen.MGUCell",
            "MGUCell",
            (*IN_LINEN_MGU, *dense("hn", "W_h_n", "b_h_n")),
            {"reset_gate": "true"},
        ),
        Operator(
            "flax.linen.MGUCell",
            "MGUCell",
            (*IN_LINEN_MGU, *dense("hn", "W_h_n")),
            {"reset_gate": "false"},
        ),
        Operator(
            "flax.nnx.SimpleCell",
            "SimpleCell",
            (*dense("dense_i", "W_i", "b_i"), *dense("dense_h", "W_h")),
        ),
        Operator("flax.nnx.LSTMCell", "LSTMCell", of_gates(LINEN | {"f": ("if_", "hf")})),
        Operator("flax.nnx.OptimizedLSTMCell", "LSTMCell", FUSED),
        Operator(
            "flax.nnx.GRUCell",
            "PlainGRUCell",
            (
                *dense("dense_i", "W_i_r W_i_z W_i_n", "b_i_r b_i_z b_i_n"),
                *dense("dense_h", "W_h_r W_h_z W_h_n"),
            ),
        ),
    ),
)
