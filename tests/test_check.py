"""The proof passes for what is right, and fails for what is not."""

from __future__ import annotations

import dataclasses

import pytest
import sympy as sp

from derive import adjoint as adjoint_module
from derive import compiler
from derive.elementwise import heaviside, sigmoid, step, tanh
from derive.library import load
from derive.nodes import MatVec, Transposed
from derive.proof import check, identity, numeric, trial
from derive.wellformed import FUNCTIONS


@pytest.mark.parametrize("name", ["rnn", "examples/leaky_integrator.py"])
def test_every_row_passes(name):
    rows = check(load(name))
    assert [row.name for row in rows if row.ok is False] == []
    assert [row.name for row in rows if row.ok is None] in ([], ["peer"])


@pytest.mark.parametrize("word", FUNCTIONS)
def test_every_stated_derivative_is_the_textbooks(word):
    assert identity.slopes_are_right(word)


@pytest.mark.parametrize("word, wrong", [
    (sigmoid, lambda y, x: (y * (1 + y),)),
    (tanh, lambda y, x: (1 - y,)),
    (heaviside, lambda y, x: (y,)),
    (step, lambda y, x: (1 + y,)),
])  # fmt: skip
def test_a_wrong_derivative_is_found(monkeypatch, word, wrong):
    monkeypatch.setattr(word, "slopes", staticmethod(wrong))
    assert not identity.slopes_are_right(word)


def drop(e):
    return sp.Add(*sp.Add.make_args(e.rhs)[1:]) if isinstance(e.rhs, sp.Add) else sp.S.Zero


def negate(e):
    return -e.rhs


def untranspose(e):
    return e.rhs.replace(Transposed, lambda m: m) if e.rhs.has(MatVec) else -e.rhs


@pytest.mark.parametrize("wrong", [drop, negate, untranspose])
@pytest.mark.parametrize("number", range(6))
def test_a_wrong_adjoint_is_no_identity(monkeypatch, wrong, number):
    """Every adjoint equation of the simple network, broken in every way."""
    right = adjoint_module.adjoint(load("rnn"))
    equations = list(right.backward)
    equations[number] = dataclasses.replace(equations[number], rhs=wrong(equations[number]))
    broken = dataclasses.replace(right, backward=tuple(equations))
    monkeypatch.setattr(identity, "adjoint", lambda cell: broken)
    try:
        proved, _ = identity.prove(load("rnn"))
    except ValueError:  # its shapes do not even fit
        proved = False
    assert not proved


@pytest.mark.parametrize("row, line, broken", [
    ("complex_step", "np.add(dh_next, dy, out=dh_next)", "np.copyto(dh_next, dy)"),
    ("complex_step", "np.dot(dgates, U, out=dh)", "np.dot(dgates, U_other, out=dh)"),
    ("complex_step", "out=dU)", "out=dU)\n    dU *= 2"),
    ("finite_differences", "np.multiply(dc_next, f, out=dc)", "np.multiply(dc_next, 1, out=dc)"),
    ("dot_product", "gates_dot_s += b_dot", "pass"),
    ("taylor", "np.add(dh_next, dy, out=dh_next)", "np.subtract(dh_next, dy, out=dh_next)"),
    ("hessian", "dc_dot[...] = dc_next * f_dot_s[t] + dc_next_dot * f_s[t]",
     "dc_dot[...] = dc_next_dot * f_s[t]"),
    ("step", "c_next = f * c + i * g", "c_next = i * c + f * g"),
    ("states_only", "np.dot(dgates, U, out=dh)", "np.dot(dgates, U_other, out=dh)"),
    ("single", "return ys, state, tape", "return ys.astype(np.float64), state, tape"),
])  # fmt: skip
def test_a_broken_line_fails_its_row(monkeypatch, row, line, broken):
    """One line of the generated LSTM, broken, is found by the row that is about it."""
    wanted = "states" if row == "states_only" else "all"
    texts = compiler.generate(load("lstm"), store=wanted)
    if line not in texts["lstm.py"]:
        line = next((part for part in texts["lstm.py"].splitlines() if line in part), line)
    changed = texts["lstm.py"].replace(line, broken.replace("U_other", "U[::-1]"))
    assert changed != texts["lstm.py"], "the module has no such line"
    right = compiler.generate
    monkeypatch.setattr(compiler, "generate", lambda cell, store: (
        {"lstm.py": changed} if store == wanted else right(cell, store=store)))  # fmt: skip
    assert getattr(numeric, row)(trial.Trial(load("lstm")))[0] is False


def test_a_trial_runs_the_module_that_it_is_given():
    """Full and ragged alike: a mutant that nobody runs would seem to survive, or to be killed."""
    m = compiler.module(load("rnn"))
    assert {t.module for t in trial.both(trial.Trial(load("rnn"), module=m))} == {m}
