"""The proof passes for what is right, and fails for what is not."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
import sympy as sp
from some_cells import sampled
from test_language import define

from derive import adjoint as adjoint_module
from derive import compiler
from derive.elementwise import heaviside, sigmoid, step, tanh
from derive.library import load, names
from derive.nodes import MatVec, Transposed
from derive.proof import check, identity, numeric, parts, trial
from derive.wellformed import FUNCTIONS


@pytest.mark.parametrize("name", ["rnn", "examples/leaky_integrator.py"])
def test_every_row_passes(name):
    rows = check(load(name))
    assert [row.name for row in rows if row.ok is False] == []
    assert [row.name for row in rows if row.ok is None] in ([], ["peer"])


def test_what_is_a_number_at_positive_values_only():
    """The sum of squares begins at one, and a gap in time is one."""
    x, n = "x, gap = Input(), Input(I)", "h, n = State(), State(start=1)"
    text = f"{x}\n{n}\nW = Matrix(H, I)\nn_next = n + h**2\nh_next = W @ (x * log(gap)) / sqrt(n)"
    assert [row.name for row in check(define(text)) if not row.ok] == ["peer"]


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


NUMERIC = (
    "complex_step finite_differences dot_product taylor hessian step states_only single".split()
)
RESULTS = {
    "ys": ("forward", lambda got: (spoilt(got[0]), *got[1:])),
    "the last state": ("forward", lambda got: (got[0], spoilt_state(got[1]), got[2])),
    "a parameter's": ("backward", lambda got: (got[0], *got[1:])),
    "dxs": ("backward", lambda got: (got[0], spoilt(got[1]), got[2])),
    "the first state's": ("backward", lambda got: (*got[:2], spoilt_state(got[2]))),
    "ys_dot": ("jvp", lambda got: (spoilt(got[0]), got[1])),
    "hvp": ("hvp", lambda got: (got[0], spoilt(got[1]), got[2])),
    "y": ("step", lambda got: (spoilt(got[0]), got[1])),
}
READ_BY = {
    "forward": {"complex_step", "finite_differences", "taylor", "step", "states_only", "single"},
    "backward": {"complex_step", "finite_differences", "dot_product", "taylor", "hessian",
                 "states_only", "single"},
    "jvp": {"dot_product"}, "hvp": {"taylor", "hessian"}, "step": {"step"},
}  # fmt: skip


def spoilt(array):
    """The array with one entry that is no number: the last, which comes after good ones."""
    array = array.copy()
    array.reshape(-1)[-1] = np.nan
    return array


def spoilt_state(state):
    return state._replace(**{state._fields[-1]: spoilt(state[-1])})


@pytest.mark.parametrize("what", RESULTS)
@pytest.mark.parametrize("row", NUMERIC)
def test_what_is_no_number_is_never_right(monkeypatch, row, what):
    """Wherever it is: comparisons with it are false, so that a largest error may miss it."""
    function, spoil = RESULTS[what]
    right = compiler.module

    def broken(cell, store="all"):
        module = right(cell, store)
        whole = getattr(module, function)
        if what == "a parameter's":

            def changed(*given, **more):
                got = whole(*given, **more)
                got[0].flat[-1] = np.nan
                return got
        else:

            def changed(*given, **more):
                return spoil(whole(*given, **more))

        setattr(module, function, changed)
        return module

    if row in READ_BY[function]:
        tried = trial.Trial(load("lstm")) if row == "states_only" else None
        monkeypatch.setattr(compiler, "module", broken)
        assert getattr(numeric, row)(tried or trial.Trial(load("lstm"))).ok is False


@pytest.fixture
def mine(tmp_path):
    def written(body):
        head = "from derive.language import *\nclass Mine(Cell):\n    x, h = Input(), State()\n"
        weights = "    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)\n"
        (tmp_path / "mine.py").write_text(head + weights + body + "\n")
        return load(str(tmp_path / "mine.py"))

    return written


def row_of(cell, name):
    (part,) = (part for part in parts(cell) if part.name == name)
    return part.row()


@pytest.mark.parametrize("body, still", [
    ("    V = Matrix(H, I)\n    g = sign(V.g @ x)\n    h_next = W @ x + U @ h + b * g", "V_g"),
    ("    s, t = Scalar(), Scalar(names='n')\n    n = standardise(W @ x + U @ h + s, eps=1e-5)\n"
     "    h_next = tanh(n + b + t.n)", "s"),
    ("    p = Vector(H)\n    d = p - p + 0 * p + W @ x\n    h_next = U @ h + b * d + sign(p)", "p"),
    ("    c = State()\n    c_next = sign(W @ x + U @ h)\n    h_next = tanh(c + b)", "W, U"),
])  # fmt: skip
def test_a_parameter_without_a_gradient_is_named(mine, body, still):
    row = row_of(mine(body), "reach")
    assert row.ok is False and row.remark.startswith(f"{still}: no loss")


def test_what_the_outputs_never_see_is_named(mine):
    body = "    c = State()\n    V = Matrix(H, I)\n    c_next = tanh(V @ x + c)\n"
    row = row_of(mine(body + "    h_next = tanh(W @ x + U @ h + b)"), "reach")
    assert row.ok is True and row.remark.endswith("V from the last states alone")
    row = row_of(mine(body + "    h_next = tanh(W @ x + U @ h + b * c)"), "reach")
    assert row.ok is True and "V" not in row.remark


@pytest.mark.parametrize("name", sampled(names()))
def test_every_parameter_of_the_library_is_reached(name):
    row = row_of(load(name), "reach")
    assert row.ok and row.remark == "each receives a gradient"


@pytest.mark.parametrize("body", [
    "    a1 = tanh(W @ x + U @ h + b)\n"
    + "".join(f"    a{k} = tanh(a{k - 1}**2 + h)\n" for k in range(2, 41)) + "    h_next = a40",
    "    h_next = " + "tanh(" * 60 + "W @ x + U @ h + b" + " + h)" * 60,
    "    a1 = W @ x + b\n"
    + "".join(f"    a{k} = U.a{k} @ a{k - 1} + h\n" for k in range(2, 33)) + "    h_next = U @ a32",
], ids=["equations", "functions", "products"])  # fmt: skip
def test_a_long_chain_is_proved(mine, body):
    """No call goes as deep as the chain is long."""
    cell = mine(body)
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(900)
        row = row_of(cell, "identity")
    finally:
        sys.setrecursionlimit(limit)
    assert row.ok and row.seconds < 20
