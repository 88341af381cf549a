"""Every built-in cell, with every option: proved by numbers and symbols, short, and described."""

from __future__ import annotations

import re

import kept
import pytest
from some_cells import MATRICES, SEVERAL, SOME, sampled

from derive import compiler, library
from derive.display.about import paper
from derive.nodes import CellError
from derive.proof import identity, numeric
from derive.proof.trial import Trial


def specs(name):
    """A cell as it is, and with each choice that is not the default."""
    yield name
    for setting in library.load(name).options:
        yield from (f"{name}:{setting.name}={c}" for c in setting.choices if c != setting.default)


NAMES = library.names()
SPECS = [spec for name in NAMES for spec in specs(name)]
PROOFS = [
    numeric.complex_step,
    numeric.finite_differences,
    numeric.dot_product,
    numeric.taylor,
    numeric.hessian,
    numeric.step,
    numeric.single,
]


OPTIONS = ["gru:reset=after", "lstm_projection:peepholes=false", "qrnn:pooling=ifo"]
FEW = sampled(SPECS, [*SOME, *MATRICES, *SEVERAL, *OPTIONS])


@pytest.mark.parametrize("spec", FEW)
def test_numbers(spec):
    cell = kept.load(spec)
    trial = Trial(cell, module=kept.module(cell))
    for proof in PROOFS:
        outcome = proof(trial)
        assert outcome.ok, f"{proof.__name__}: {outcome.figure} {outcome.remark}"


@pytest.mark.parametrize("spec", FEW)
def test_numbers_with_states_only(spec):
    """What `--store states` changes is the same for all cells."""
    cell = kept.load(spec)
    outcome = numeric.states_only(Trial(cell, module=kept.module(cell)))
    assert outcome.ok, f"{outcome.figure} {outcome.remark}"


@pytest.mark.parametrize("spec", FEW)
def test_identity(spec):
    ok, what = identity.prove(kept.load(spec))
    assert ok, what


@pytest.mark.parametrize("name", NAMES)
def test_file(name):
    text = (library.FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert text.count("\n") <= 30
    cell = library.load(name)
    assert cell.family and paper(cell.doc)
    assert re.search(r"\(\d{4}\)", cell.doc), "a paper has a year"


def test_titles_differ():
    titles = [library.load(name).title for name in NAMES]
    assert len(set(titles)) == len(titles)


# --- options -------------------------------------------------------------------------------------


def test_options_change_the_equations():
    before, after = library.load("gru"), library.load("gru:reset=after")
    assert before.equations != after.equations
    assert [str(s) for s in after.options] == ["reset=after"]
    assert {p.name for p in after.parameters} - {p.name for p in before.parameters} == {"d_n"}


def test_settings_may_be_given_apart_and_those_behind_the_name_win():
    assert library.load("rhn", {"depth": "3"}) == library.load("rhn:depth=3")
    assert library.load("rhn:depth=3", {"depth": "4"}) == library.load("rhn:depth=3")


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_depth(depth):
    cell = library.load(f"rhn:depth={depth}")
    assert sum(p.name.startswith("R_n") for p in cell.parameters) == depth
    assert sum(p.name.startswith("W_") for p in cell.parameters) == 2


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("gru:reset=never", "option `reset` is before or after, not 'never'"),
        ("gru:rest=after", "gru has no option `rest`; it has reset"),
        ("lstm:dt=1", "lstm has no option `dt`; it has none"),
        ("rhn:depth=2.5", "constant `depth` is a whole number, not '2.5'"),
        ("rhn:depth=0", "each(…) takes a whole number of at least 1, not 0"),
        ("lem:dt=fast", "constant `dt` is a number, not 'fast'"),
        ("lem:dt=nan", "a finite number, not nan"),
        ("gru:reset=", "'reset=' is not a setting: write name=value"),
        ("lstm_projection:peepholes=maybe", "option `peepholes` is true or false, not 'maybe'"),
        ("gruu", "is it gru?"),
    ],
)
def test_wrong_settings(spec, says):
    with pytest.raises(CellError) as error:
        library.load(spec)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_header_says_how_the_options_are_set():
    text = compiler.module(library.load("gru:reset=after")).__doc__
    assert "from the cell `gru` with reset=after." in text


def test_as_many_inputs_as_units():
    module = compiler.module(library.load("mut1"))
    assert module.Params(3, 3).hidden_size == 3
    with pytest.raises(ValueError, match="as many inputs as it has units"):
        module.Params(2, 3)


@pytest.mark.parametrize("name, gates", [
    ("lstm", "i f o"),
    ("gru", "z r"),  # z as 1 - z, too
    ("lstm_fgr", "i_next f_next o_next"),  # gates that are states
    ("scrn", ""),  # its sigmoid multiplies nothing
])  # fmt: skip
def test_gates_are_sigmoids_that_multiply(name, gates):
    assert " ".join(map(str, library.load(name).gates)) == gates
