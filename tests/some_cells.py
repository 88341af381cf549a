"""Built-in cells that between them have everything a cell can have: for tests that would take too
long on all of them. What is true of each cell is tested on these in `make test`, and on the others,
and with the options that they have, in `make test-every`."""

import pytest

from derive import library
from derive.nodes import symbols_of

every = pytest.mark.every

CHEAP = "rnn lstm gru lstm_projection slstm antisymmetric_rnn qrnn fastgrnn unicornn".split()
SOME = [*CHEAP, "fast_weights"]  # the cheapest that standardises; one state is a matrix
VECTORS = [*CHEAP, "lstm_peephole", "scrn", "lstm_layer_norm"]  # where a test knows no matrices
MATRICES = ["gla", "mamba2"]  # whose memory is a matrix, for each head
SEVERAL = ["t_lstm", "gru_d"]  # that have several inputs, where a test can do with those as well


def sampled(cells, some=SOME):
    """Cells, or their names, as parameters of a test. Those of the library that are not among some
    are left to `make test-every`, and so is a name with an option."""
    known = {*library.names()}
    named = [(cell, getattr(cell, "name", cell)) for cell in cells]
    return [
        pytest.param(
            cell, id=name, marks=[every] * (name.partition(":")[0] in known and name not in some)
        )
        for cell, name in named
    ]


def first(few, things):
    """Things, or tuples of several, as parameters of a test, of which all but the first few are
    left to `make test-every`."""
    taken = [thing if isinstance(thing, tuple) else (thing,) for thing in things]
    return [pytest.param(*values, marks=[every] * (n >= few)) for n, values in enumerate(taken)]


def of_parameters(cell, equations=None):
    """The quantities that depend on parameters alone, in these equations or the cell's: computed
    once a call, and again on the way back, since no tape has a place for them."""
    known = set(cell.parameters)
    for equation in equations or cell.equations:
        if symbols_of(equation.rhs) <= known:
            known.add(equation.lhs)
    return known - set(cell.parameters)
