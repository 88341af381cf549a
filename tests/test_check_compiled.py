"""The proof of compiled modules passes for what is right, and fails for what is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from compiled import named
from some_cells import first

from derive import build
from derive.cli import main
from derive.library import load
from derive.proof import check, compiled, parts
from derive.proof.trial import Trial


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setenv("CFLAGS", "-O0")


@pytest.mark.compiler
@pytest.mark.parametrize("spec", first(1, ["examples/leaky_integrator.py", "rnn"]))
def test_every_row_passes(spec):
    rows = check(load(spec), "c")
    assert [row.name for row in rows if not row.ok and row.name != "peer"] == []
    whole = [part.name for part in parts(load(spec))]
    assert [row.name for row in rows] == [*(n for n in whole if n != "complex step"), "NumPy"]


WRONG = {
    "forward": lambda got: (got[0] * (1 + 1e-9), *got[1:]),
    "backward": lambda got: (got[0], got[1] * (1 + 1e-9), got[2]),
    "jvp": lambda got: (got[0] + 1e-9, got[1]),
    "hvp": lambda got: (got[0], got[1] * (1 + 1e-9), got[2]),
}


@pytest.mark.compiler
@pytest.mark.parametrize("function", WRONG)
def test_what_is_not_numpy_s_is_found(function):
    """However little it is."""
    m = named(build.compiled(load("rnn")))
    trial = Trial(load("rnn"), module=m)
    assert compiled.numpy(trial).ok and compiled.symmetry(trial).ok
    whole = getattr(m, function)
    setattr(m, function, lambda *given, **more: WRONG[function](whole(*given, **more)))
    assert compiled.numpy(trial).ok is False


@pytest.mark.compiler
def test_a_hessian_that_is_not_symmetric_is_found():
    m = named(build.compiled(load("rnn")))
    whole, trial = m.hvp, Trial(load("rnn"), module=m)

    def crooked(*given, **more):
        dparams, dxs, dstate = whole(*given, **more)
        dparams.flat[0] += 1e-6 * np.sum(given[3].flat[1])
        return dparams, dxs, dstate

    m.hvp = crooked
    assert compiled.symmetry(trial).ok is False


@pytest.mark.compiler
def test_the_command_proves_it():
    result = CliRunner().invoke(main, ["check", "rnn", "--backend", "c", "--json", "-q"])
    assert result.exit_code == 0, result.output
    (cell,) = json.loads(result.output)["cells"]
    (row,) = (row for row in cell["rows"] if row["name"] == "NumPy")
    assert row["value"] <= row["bound"] == 1e-12


def test_without_a_compiler_nothing_is_proved(monkeypatch):
    monkeypatch.setenv("CC", "nonsense")
    result = CliRunner().invoke(main, ["check", "rnn", "--backend", "c"])
    assert result.exit_code == 2 and result.output.startswith("derive: CC names 'nonsense'")
