"""Two cells that are the same but for their parameters: what is found, what is refused, and that
it is proved.

What the numbers of other libraries say of it: test_weights.py.
"""

from __future__ import annotations

import pytest

from derive.elementwise import FUNCTIONS
from derive.library import load, names
from derive.weights.conventions import LIBRARIES, convention
from derive.weights.fit import layer_of
from derive.weights.layout import cell_of, variants
from derive.weights.match import Match, match
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
        gru=GRU indrnn=RNN(f=relu) lstm=LSTM lstm_cifg=LSTM lstm_coupled=LSTM
        lstm_niaf=LSTM(g=affine) lstm_noaf=LSTM(h=affine) lstm_np=LSTM lstm_peephole=LSTM mgu=GRU
        mingru=GRU(g=affine) mut2=GRU paragru=GRU paralstm=LSTM rnn=RNN""",
    "flax": """
        indrnn=flax.linen.SimpleCell(activation_fn=relu)
        ligru=flax.linen.MGUCell(activation_fn=relu,reset_gate=false) lstm=flax.linen.LSTMCell
        lstm_coupled=flax.linen.LSTMCell lstm_np=flax.linen.LSTMCell paragru=flax.linen.GRUCell
        rnn=flax.linen.SimpleCell ugrnn=flax.linen.MGUCell(reset_gate=false)""",
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_built_in_cells_that_are_layers_of_a_library(library):
    found = {name: layer_of(load(name), library) for name in names()}
    said = [f"{name}={fit.variant.title}".replace(" ", "") for name, fit in found.items() if fit]
    assert said == LAYERS[library].split()


@pytest.mark.parametrize(
    ("what", "library", "title"),
    [
        ("gru:reset=after", "torch", "torch.nn.GRU"),
        ("gru:reset=after", "onnx", "GRU(linear_before_reset=true)"),
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
