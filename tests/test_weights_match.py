"""Two cells that are the same but for their parameters: what is found, what is refused, and that
it is proved.

What the numbers of other libraries say of it: test_weights.py.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from some_cells import first

from derive.elementwise import FUNCTIONS
from derive.language import (
    Axis,
    Cell,
    H,
    I,
    Input,
    Matrix,
    Output,
    State,
    Vector,
    sigmoid,
    tanh,
)
from derive.library import load, names
from derive.weights.conventions import LIBRARIES, convention
from derive.weights.fit import layer_of
from derive.weights.layout import cell_of, variants
from derive.weights.match import Different, Match, match
from derive.weights.reflection import reflection
from derive.weights.same import proved

TORCH = convention("torch").file


def torch_s(title):
    """A layer of PyTorch as a cell."""
    return cell_of(TORCH, title)


def words(found):
    return {name: str(value) for name, value in found.parameters.items()}


# --- which built-in cells are layers of which library --------------------------------------------

LAYERS = {
    "torch": """
        indrnn=torch.nn.RNN(nonlinearity=relu) lstm=torch.nn.LSTM lstm_coupled=torch.nn.LSTM
        lstm_np=torch.nn.LSTM paragru=torch.nn.GRU rnn=torch.nn.RNN""",
    "keras": """
        gru=keras.layers.GRU(reset_after=false) indrnn=keras.layers.SimpleRNN(activation=relu)
        lstm=keras.layers.LSTM lstm_coupled=keras.layers.LSTM lstm_np=keras.layers.LSTM
        mgu=keras.layers.GRU(reset_after=false) mut2=keras.layers.GRU(reset_after=false)
        paragru=keras.layers.GRU(reset_after=true) rnn=keras.layers.SimpleRNN""",
    "onnx": """
        gru=onnx.GRU indrnn=onnx.RNN(f=relu) lstm=onnx.LSTM lstm_cifg=onnx.LSTM
        lstm_coupled=onnx.LSTM lstm_niaf=onnx.LSTM(g=affine) lstm_noaf=onnx.LSTM(h=affine)
        lstm_np=onnx.LSTM lstm_peephole=onnx.LSTM mgu=onnx.GRU mingru=onnx.GRU(g=affine)
        mut2=onnx.GRU paragru=onnx.GRU paralstm=onnx.LSTM rnn=onnx.RNN""",
    "flax": """
        indrnn=flax.linen.SimpleCell(activation_fn=relu)
        ligru=flax.linen.MGUCell(activation_fn=relu,reset_gate=false) lstm=flax.linen.LSTMCell
        lstm_coupled=flax.linen.LSTMCell lstm_np=flax.linen.LSTMCell paragru=flax.linen.GRUCell
        rnn=flax.linen.SimpleCell ugrnn=flax.linen.MGUCell(reset_gate=false)""",
}


@pytest.mark.parametrize("library", first(1, LIBRARIES))
def test_the_built_in_cells_that_are_layers_of_a_library(library):
    found = {name: layer_of(load(name), library) for name in names()}
    said = [f"{name}={fit.variant.title}".replace(" ", "") for name, fit in found.items() if fit]
    assert said == LAYERS[library].split()


@pytest.mark.parametrize(
    ("what", "library", "title"),
    [
        ("gru:reset=after", "torch", "torch.nn.GRU"),
        ("gru:reset=after", "onnx", "onnx.GRU(linear_before_reset=true)"),
        ("gru:reset=after", "keras", "keras.layers.GRU(reset_after=true)"),
        ("gru:reset=after", "flax", "flax.linen.GRUCell"),
        ("rnn:activation=relu", "torch", "torch.nn.RNN(nonlinearity=relu)"),
        ("lstm_projection:peepholes=false", "torch", "torch.nn.LSTM with proj_size"),
    ],
)
def test_a_cell_with_an_option_set(what, library, title):
    assert layer_of(load(what), library).variant.title == title


@pytest.mark.parametrize("library", LIBRARIES)
def test_arrays_hold_every_parameter_of_a_layer_once(library):
    found = convention(library)
    every = frozenset(function.__name__ for function in FUNCTIONS)
    for operator in found.operators:
        parts = [part for array in operator.arrays for part in array.parts]
        assert len(parts) == len(set(parts))
        assert len({array.name for array in operator.arrays}) == len(operator.arrays)
        made = [cell_of(found.file, operator.cell, tuple(operator.settings.items()))]
        made += [v.cell for v in variants(found, operator, every)]
        assert {p.name for cell in made for p in cell.parameters} == set(parts)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_layer_is_itself(library):
    found = convention(library)
    for operator in found.operators:
        cell = cell_of(found.file, operator.cell, tuple(operator.settings.items()))
        here = match(cell, cell)
        assert isinstance(here, Match) and not here.conditions and proved(here)


# --- cells that are an LSTM or a GRU, written in other ways --------------------------------------

GATE = "sigmoid({}W.{} @ x {} U.{} @ h {} b.{})"


@st.composite
def written_otherwise(draw):
    """The file of a cell that is an LSTM: names, order and polarity of the gates as they come, with
    the parameters as they follow for PyTorch's, and whether its second bias is one of its own."""
    names = draw(st.permutations(["alpha", "beta", "gamma", "delta"]))
    roles = dict(zip("ifgo", names, strict=True))
    flipped = draw(st.sets(st.sampled_from("ifgo")))
    two = draw(st.booleans())
    lines = []
    for role, name in roles.items():
        word = "tanh" if role == "g" else "sigmoid"
        terms = [f"W.{name} @ x", f"U.{name} @ m", f"b.{name}"] + [f"d.{name}"] * two
        total = " + ".join(draw(st.permutations(terms)))
        lines.append(f"{name} = {word}({total})")
    lines = draw(st.permutations(lines))
    of = {
        r: (f"(-{n})" if r == "g" else f"(1 - {n})") if r in flipped else n
        for r, n in roles.items()
    }
    lines += [
        f"s_next = {of['i']} * {of['g']} + {of['f']} * s",
        f"m_next = {of['o']} * tanh(s_next)",
    ]
    states = draw(st.permutations(["m", "s"]))
    text = "\n    ".join(
        ["x = Input()", *(f"{state} = State()" for state in states)]
        + ["W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)", *["d = Vector(H)"] * two, *lines]
        + ["y = Output(1 * m_next)"] * (states[0] == "s")
    )
    signs = {role: -1 if role in flipped else 1 for role in roles}
    return f"from derive.language import *\n\n\nclass Own(Cell):\n    {text}\n", roles, signs, two


@settings(deadline=None, max_examples=40)
@given(written_otherwise())
def test_an_lstm_by_any_other_name(tmp_path_factory, drawn):
    text, roles, signs, two = drawn
    path = tmp_path_factory.mktemp("own") / "own.py"
    path.write_text(text, encoding="utf-8")
    own = load(str(path))
    there = match(torch_s("LSTM"), own)
    assert isinstance(there, Match) and not there.conditions and proved(there)
    back = match(own, torch_s("LSTM"))
    assert isinstance(back, Match) and not back.conditions and proved(back)
    for role, name in roles.items():
        sign = "-" if signs[role] < 0 else ""
        assert str(there.parameters[f"W_{name}"]) == f"{sign}W_ih_{role}"
        assert str(back.parameters[f"W_ih_{role}"]) == f"{sign}W_{name}"
        biases = sp.sympify(str(back.parameters[f"b_ih_{role}"]))
        wanted = f"{sign}b_{name}" + f" {sign or '+'} d_{name}" * two
        assert biases == sp.sympify(wanted)


class FlippedGRU(Cell):
    """The GRU of PyTorch and ONNX, with the reset gate's polarity the other way round, too."""

    x = Input()
    state = State()
    V, R, a, e = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    keep = sigmoid(V.keep @ x + R.keep @ state + a.keep)
    drop = sigmoid(-(V.drop @ x) - R.drop @ state - a.drop)
    new = tanh(V.new @ x + a.new + (1 - drop) * (R.new @ state + e.new))
    state_next = keep * (state - new) + new


def test_polarity():
    found = match(torch_s("GRU"), FlippedGRU)
    assert words(found) == {
        "V_keep": "W_ih_z", "R_keep": "W_hh_z", "a_keep": "b_hh_z + b_ih_z",
        "V_drop": "W_ih_r", "R_drop": "W_hh_r", "a_drop": "b_hh_r + b_ih_r",
        "V_new": "W_ih_n", "R_new": "W_hh_n", "a_new": "b_ih_n", "e_new": "b_hh_n",
    }  # fmt: skip
    assert not found.conditions and proved(found)


class ScaledRNN(Cell):
    """A simple network with numbers in it, and a part of its state that it keeps."""

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    h_next = tanh(0.5 * (W @ x) + 2 * (U @ (h + 0.25 * h)) - h + b + 1)


def test_numbers_and_diagonals():
    found = match(ScaledRNN, torch_s("RNN"))
    assert words(found) == {
        "W_ih": "W/2", "W_hh": "5*U/2 - Diagonal(1)", "b_ih": "b + 1", "b_hh": "0"
    }  # fmt: skip
    assert not found.conditions and proved(found)
    back = match(torch_s("RNN"), ScaledRNN)
    assert words(back)["U"] == "2*W_hh/5 + 2*Diagonal(1)/5" and proved(back)


def test_other_axes():
    class Own(Cell):
        N = Axis("N", "units")
        x = Input(I)
        h = State(N)
        W, U, b = Matrix(N, I), Matrix(N, N), Vector(N)

        h_next = tanh(W @ x + U @ h + b)

    for pair in ((Own, torch_s("RNN")), (torch_s("RNN"), Own)):
        found = match(*pair)
        assert isinstance(found, Match) and not found.conditions and proved(found)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("lstm", "gru", "{source} has the states h, c, and {target} the state h"),
        ("rnn", "gru", "{source} has `h_next = tanh(W @ x + U @ h + b)`, and {target} `h_next = "
         "(1 - z) * h + z * n`"),
        ("rnn", "rnn:activation=relu", "{source} has `h_next = tanh(W @ x + U @ h + b)`, and "
         "{target} `h_next = relu(W @ x + U @ h + b)`"),
        ("lstm", "lstm_coupled", "{source} has `c_next = f * c + i * g`, and {target} `c_next = "
         "f * c + (1 - f) * g`"),
        ("lstm", "lstm_noaf", "{source} has `h_next = o * tanh(c_next)`, and {target} `h_next = "
         "o * c_next`"),
        ("lstm_projection", "lstm", "{source} has x (I,), h (P,), c (H,), and {target} x (I,), "
         "h (H,), c (H,)"),
        ("gru_d", "gru", "{source} has the inputs x, m, d, and {target} the input x"),
    ],
)  # fmt: skip
def test_the_first_equation_that_differs(source, target, reason):
    found = match(load(source), load(target))
    assert isinstance(found, Different) and found.reason == reason


@pytest.mark.parametrize(
    ("source", "target", "values", "why"),
    [
        ("gru", "gru:reset=after", ["U_n"],
         "r acts before the product in {source}, and after it in {target}"),
        ("gru:reset=after", "gru", ["U_n", "d_n"],
         "r acts after the product in {source}, and before it in {target}"),
        ("lstm_peephole", "lstm", ["p_o", "p_i", "p_f"],
         "nothing in {target} acts as `p_o` does"),
        ("lstm_valves", "lstm_peephole", ["V_o", "V_i", "V_f"],
         "`V_o` is a matrix, and {target} has a vector in its place"),
    ],
)  # fmt: skip
def test_what_would_have_to_be_zero(source, target, values, why):
    found = match(load(source), load(target))
    assert isinstance(found, Match) and proved(found)
    assert sorted(str(c.value) for c in found.conditions) == sorted(values)
    assert any(c.why.endswith(why) for c in found.conditions)


def test_one_bias_where_two_are_needed():
    class OneBias(Cell):
        """A GRU that resets after the product, without the bias in there."""

        x = Input()
        h = State()
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

        z = sigmoid(W.z @ x + U.z @ h + b.z)
        r = sigmoid(W.r @ x + U.r @ h + b.r)
        n = tanh(W.n @ x + r * (U.n @ h) + b.n)
        h_next = (1 - z) * h + z * n

    there = match(torch_s("GRU"), OneBias)
    (condition,) = there.conditions
    assert str(condition.value) == "b_hh_n" and proved(there)
    assert condition.why == (
        "{source} has `n = tanh(W_ih_n @ x + b_ih_n + r * (W_hh_n @ h + b_hh_n))`, and {target} "
        "`n = tanh(W_n @ x + r * (U_n @ h) + b_n)`: nothing in {target} acts as `b_hh_n` does"
    )
    back = match(OneBias, torch_s("GRU"))
    assert not back.conditions and back.parameters["b_hh_n"] == 0 and proved(back)


def test_one_parameter_for_two():
    class Tied(Cell):
        """An LSTM whose gates for what is old and what is new have one matrix."""

        x = Input()
        h, c = State(), State()
        W, U, b = Matrix(H, I, names="both g o"), Matrix(H, H), Vector(H)

        i = sigmoid(W.both @ x + U.i @ h + b.i)
        f = sigmoid(W.both @ x + U.f @ h + b.f)
        g = tanh(W.g @ x + U.g @ h + b.g)
        o = sigmoid(W.o @ x + U.o @ h + b.o)
        c_next = f * c + i * g
        h_next = o * tanh(c_next)

    found = match(torch_s("LSTM"), Tied)
    (condition,) = found.conditions
    assert {str(q) for q in condition.value.free_symbols} == {"W_ih_i", "W_ih_f"}
    assert "{target} has one parameter where {source} has several" in condition.why
    assert proved(found) and not match(Tied, torch_s("LSTM")).conditions


def test_another_first_value_of_a_state():
    class Late(Cell):
        x = Input()
        h = State(start=1)
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

        h_next = tanh(W @ x + U @ h + b)

    found = match(Late, load("rnn"))
    assert found.reason == "{source} has x (I,), h (H,) from 1 on, and {target} x (I,), h (H,)"


# --- the proof -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"W_z": "W_ih_z"},  # the polarity
        {"W_r": "W_ih_z"},
        {"b_r": "b_ih_r"},  # a bias is lost
        {"d_n": "b_ih_n", "b_n": "b_hh_n"},
        {"U_n": "2*W_hh_n"},
        {"U_n": "0"},
    ],
    ids=str,
)
def test_the_proof_notices(changed):
    found = match(torch_s("GRU"), load("gru:reset=after"))
    assert proved(found)
    names = {p.name: p for p in torch_s("GRU").parameters}
    other = {k: sp.sympify(v).subs(names) for k, v in changed.items()}
    other = {k: v.xreplace({sp.Symbol(n): p for n, p in names.items()}) for k, v in other.items()}
    assert not proved(replace(found, parameters={**found.parameters, **other}))


def test_the_proof_is_of_every_state():
    class Aside(Cell):
        """A cell whose output does not see its state."""

        x = Input()
        h = State()
        V, W, U = Matrix(H, I), Matrix(H, I), Matrix(H, H)

        y = Output(tanh(V @ x))
        h_next = tanh(W @ x + U @ h)

    found = match(Aside, Aside)
    other = {**found.parameters, "U": 2 * found.parameters["U"]}
    assert proved(found) and not proved(replace(found, parameters=other))


def test_the_proof_needs_the_conditions():
    found = match(load("gru"), load("gru:reset=after"))
    assert proved(found) and not proved(replace(found, conditions=()))


def test_reflections():
    found = {f.__name__: reflection(f) for f in FUNCTIONS if reflection(f)}
    odd, even = (0, -1), (0, 1)
    assert found == {
        "sigmoid": (1, -1), "tanh": odd, "sin": odd, "sign": odd, "cos": even, "absolute": even
    }  # fmt: skip
