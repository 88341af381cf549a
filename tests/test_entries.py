"""Parameters that are not trained, entries computed from their place, and sizes in formulas."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import reference
from javascript import run, text_of
from test_javascript import Numbers, both
from test_language import HEAD, define, error_of, works

from derive.adjoint import adjoint
from derive.evaluation.given import drawn
from derive.language import (
    Axis,
    Cell,
    H,
    I,
    Input,
    Matrix,
    Output,
    Scalar,
    State,
    Vector,
    sqrt,
    sum,
    tanh,
    where,
)  # fmt: skip
from derive.library import load_file
from derive.nodes import CellError
from derive.proof import check, identity
from derive.proof.trial import Trial

P = Axis("P", "memory_size")
O = Axis("O", "output_size")


class LMU(Cell):
    """Legendre memory unit. Voelker, Kajić & Eliasmith (2019), with Euler's step of length 1."""

    theta = 100.0
    x = Input()
    h, m = State(), State(P)
    W, U, V = Matrix(H, I), Matrix(H, H), Matrix(H, P)
    e, eh, em = Vector(I), Vector(H), Vector(P)
    A = Matrix(
        P, P, trained=False,
        at=lambda i, j: (2 * i + 1) * where(i < j, -1, (-1) ** (i - j + 1)),
    )  # fmt: skip
    B = Vector(P, trained=False, at=lambda i: (2 * i + 1) * (-1) ** i)

    u = sum(e * x) + sum(eh * h) + sum(em * m)
    m_next = m + (A @ m + B * u) / theta
    h_next = tanh(W @ x + U @ h + V @ m_next)


class EchoState(Cell):
    """Echo state network. Jaeger (2001): nothing but the readout is trained."""

    rho, leak = 0.9, 0.3
    x = Input()
    h = State()
    W, U = Matrix(H, I, trained=False), Matrix(H, H, trained=False)
    V, b = Matrix(O, H), Vector(O)

    h_next = (1 - leak) * h + leak * tanh(W @ x + rho * (U @ h))
    y = Output(V @ h_next + b)


class Summed(Cell):
    """A cumulative sum, scaled by sizes; a vector and a number that are computed, too."""

    x = Input()
    h = State()
    W, U, s = Matrix(H, I), Matrix(H, H), Scalar(at=lambda: 1 / sqrt(H))
    L = Matrix(H, H, trained=False, at=lambda i, j: where(i >= j, 1, 0))
    r = Vector(H, at=lambda i: -(((i + 1) / H) ** 0.5))

    h_next = tanh(L @ (W @ x / sqrt(I) + s * h) / H + r * h) + U @ h * (H - 1) / (2 * H**2)


CELLS = (LMU, EchoState, Summed)
each = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.title)
SIZES = {"input_size": 3, "hidden_size": 5, "memory_size": 6, "output_size": 2}


def sizes_of(cell):
    return {axis.argument: SIZES[axis.argument] for axis in cell.axes}


@each
def test_the_proof(cell):
    assert [row.name for row in check(cell) if not row.ok] == ["peer"]


@each
@pytest.mark.node
def test_in_javascript(cell):
    Numbers(both(cell)).check()


def test_the_legendre_memory_s_matrices():
    """As the authors' code has them."""
    params = reference.module_of(LMU).init(np.random.default_rng(0), **sizes_of(LMU))
    q = np.arange(SIZES["memory_size"], dtype=float)
    j, i = np.meshgrid(q, q)
    a = np.where(i < j, -1, (-1.0) ** (i - j + 1)) * (2 * q + 1)[:, None]
    np.testing.assert_array_equal(params["A"], a)
    np.testing.assert_array_equal(params["B"], (-1.0) ** q * (2 * q + 1))


def test_computed_entries_of_every_shape():
    params = reference.module_of(Summed).init(np.random.default_rng(0), **sizes_of(Summed))
    np.testing.assert_array_equal(params["L"], np.tril(np.ones((5, 5))))
    np.testing.assert_allclose(params["r"], -np.sqrt(np.arange(1, 6) / 5), rtol=1e-15)
    np.testing.assert_allclose(params["s"], 5**-0.5, rtol=1e-15)


@each
def test_what_is_drawn_is_what_init_draws(cell):
    params = reference.module_of(cell).init(np.random.default_rng(3), **sizes_of(cell))
    lengths = {axis: SIZES[axis.argument] for axis in cell.axes}
    for q, value in drawn(cell, lengths, 3).items():
        np.testing.assert_allclose(value, params[q.name], rtol=1e-15)


@each
@pytest.mark.node
def test_javascript_computes_the_same_entries(cell):
    sizes = sizes_of(cell)
    params = reference.module_of(cell).init(np.random.default_rng(0), **sizes)
    text = text_of(cell) + "\nexport const begun = (sizes) => init(() => 0.5, sizes).views;\n"
    (views,) = run(text, [("begun", [sizes])])
    for name in cell.entries:
        np.testing.assert_allclose(views[name], params[name].ravel(), rtol=1e-15)


@each
def test_what_is_not_trained_does_not_move(cell):
    """Its gradient is 0, and a direction that moves it is one in which nothing moves."""
    trial = Trial(cell)
    gradient = trial.at(trial.gradient(trial.point)).params
    direction = trial.template.zeros()
    for name in cell.untrained:
        assert not gradient[name].any()
        direction[name][...] = 1
    ys_dot, state_dot = trial.module.jvp(trial.point.params, trial.tape, direction)
    assert not ys_dot.any() and not any(s.any() for s in state_dot)
    second = trial.module.hvp(trial.point.params, trial.tape, trial.dys, direction)
    assert not second[0].flat.any() and not second[1].any()
    assert all(gradient[p.name].any() for p in cell.trained)


def test_a_derivative_of_what_is_not_trained_is_found(monkeypatch):
    """Were it there, the identity would say so."""
    everything = dataclasses.replace(EchoState, untrained=frozenset())
    wrong = dataclasses.replace(adjoint(everything), cell=EchoState)
    monkeypatch.setattr(identity, "adjoint", lambda _: wrong)
    assert identity.prove(EchoState) == (False, "U is not trained, and has a derivative")


def test_it_is_said():
    said = "By a formula: A, B. Not trained, with derivatives of 0: A, B."
    assert said in reference.module_of(LMU).init.__doc__


# --- what is refused -----------------------------------------------------------------------------

WRONG = {
    "Matrix(H, I, at=lambda i: i)": "the entries of `W`",
    "Matrix(H, I, at=lambda i, j: i if i > j else j)": "use where",
    "Matrix(H, I, at=lambda i, j: x)": "does not see the class; hand it in: `x=x`",
    "Matrix(H, I, at=lambda i, j, x=x: x)": "formula of their place and of sizes, and `x` is none",
    "Matrix(H, I, at=lambda i, j: 'one')": "the entries of `W`",
    "Matrix(H, I, at=lambda i, j: None)": "the entries of `W`",
    "Matrix(H, I, at=lambda i, j: 1 / (i - i))": "the entries of `W`",
    "Matrix(1, I)": "one number is sum(w * x)",
    "Matrix(H, I, trained=0)": "trained=True or trained=False",
}


@pytest.mark.parametrize("declared, says", WRONG.items())
def test_what_is_wrong_with_a_declaration(declared, says):
    body = f"x = Input()\nh = State()\nW = {declared}\nh_next = W @ x + h"
    assert says in error_of(body)


def test_a_constant_that_only_a_function_reads():
    """It is not that nothing uses it: the function must be given it."""
    used = (
        HEAD
        + "k = 2\nE = Matrix(H, H, at=lambda i, j{}: k * i)\nh_next = W @ x + E @ h\nc_next = c"
    )
    assert "hand it in: `k=k`" in error_of(used.format(""))
    works(define(used.format(", k=k")))


def test_a_size_of_another_axis():
    assert "no axis Q" in error_of(HEAD + "Q = Axis('Q', 'q')\nh_next = h / Q + W @ x\nc_next = c")
    works(define(HEAD + "h_next = h / sqrt(2 * H) + W @ x\nc_next = c * (1 - 1 / H)"))


@pytest.mark.parametrize("condition", ["i == j", "not i > j", "i != j", "i"])
def test_what_python_would_answer_at_once_is_refused(tmp_path, condition):
    """Whether two names are equal it knows: they are not, and so a matrix would be 0."""
    source = f"""from derive.language import *
class Mine(Cell):
    x = Input(H)
    h = State()
    E = Matrix(H, H, trained=False, at=lambda i, j: where({condition}, 1, 0))
    h_next = E @ x + h
"""
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(CellError, match=r"mine.py:5: .*(where|comparison)"):
        load_file(tmp_path / "mine.py")
    (tmp_path / "mine.py").write_text(source.replace(f"where({condition}", "where(i >= j"))
    assert "E" in load_file(tmp_path / "mine.py").entries


@pytest.mark.parametrize("condition", ["h == c", "not h > c", "h != 0"])
def test_a_quantity_is_not_asked_whether_it_is_equal(tmp_path, condition):
    source = f"""from derive.language import *
class Mine(Cell):
    x = Input(H)
    h, c = State(), State()
    h_next = where({condition}, x, c)
    c_next = h
"""
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(CellError, match=r"mine.py:5: .* use where"):
        load_file(tmp_path / "mine.py")
