"""Words that are accurate where others are not, and choices: values, derivatives, errors."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import reference
from test_language import HEAD, define, error_of, works
from written_cells import Tails

from derive.elementwise import expm1, log1p, log_sigmoid
from derive.proof import check


def test_the_proof_of_all_of_them():
    rows = check(Tails)
    assert [row.name for row in rows if not row.ok] == ["peer"]


# --- accurate in both tails ----------------------------------------------------------------------

PLACES = [-700.0, -40.0, -1.0, -1e-3, -1e-12, -1e-300, 0.0, 1e-300, 1e-12, 1e-3, 1.0, 40.0, 700.0]
EXACT = {
    log_sigmoid: (lambda x: -mpmath.log1p(mpmath.exp(-x)), lambda x: 1 / (1 + mpmath.exp(x))),
    expm1: (mpmath.expm1, mpmath.exp),
    log1p: (mpmath.log1p, lambda x: 1 / (1 + x)),
}


@pytest.mark.parametrize("word", EXACT, ids=lambda w: w.__name__)
def test_value_and_slope_have_a_relative_accuracy(word):
    """Against 400 digits: what generated code gives for each x, and its gradient."""
    cell = define(f"x = Input(H)\nh = State()\nh_next = {word.__name__}(x) + h")
    m = reference.module_of(cell)
    xs = np.array([x for x in PLACES if word is not log1p or x > -1])
    ys, _, tape = m.forward(m.Params(xs.size, xs.size), xs[None, None])
    dxs = m.backward(m.Params(xs.size, xs.size), tape, np.ones_like(ys))[1]
    with mpmath.workdps(400):
        for exact, got in zip(EXACT[word], (ys, dxs), strict=True):
            want = [float(exact(mpmath.mpf(x))) for x in xs]
            np.testing.assert_allclose(got.ravel(), want, rtol=4e-16, atol=1e-322)


LOGS = {
    "at once": "h_next = log(sigmoid(x)) + h",
    "of a gate": "f = sigmoid(x)\nh_next = log(f) + h",
    "of a gate that is read elsewhere": "f = sigmoid(x)\nh_next = log(f) + f * h",
}


@pytest.mark.parametrize("body", LOGS.values(), ids=LOGS)
def test_the_logarithm_of_a_sigmoid_is_recognised(body):
    cell = define(f"x = Input(H)\nh = State()\n{body}")
    m = reference.module_of(cell)
    ys, _, _ = m.forward(m.Params(2, 2), np.array([[[-36.0, -800.0]]]))
    np.testing.assert_allclose(ys.ravel(), [-36, -800], rtol=1e-15)


def test_a_gate_whose_logarithm_is_read_keeps_its_own_equations():
    cell = define(HEAD + "i = sigmoid(W.i @ x + U.i @ h)\nc_next = log(i) + c * i\nh_next = c_next")
    assert [str(e) for e in cell.equations] == [
        "a_i = U_i @ h + W_i @ x", "i = sigmoid(a_i)",
        "c_next = c*i + log_sigmoid(a_i)", "h_next = c_next",
    ]  # fmt: skip
    works(cell)


def test_a_gate_that_nothing_else_reads_is_not_computed():
    cell = define(HEAD + "i = sigmoid(W.i @ x)\nc_next = log(i) + c\nh_next = c_next + h")
    assert [e.lhs.name for e in cell.equations] == ["a_i", "c_next", "h_next"]
    works(cell)


# --- choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign, at_equal", [(">", 3), (">=", 1), ("<", 3), ("<=", 1)])
@pytest.mark.parametrize("sides", ["x {} h", "x - h {} 0", "0 {} h - x", "2 * x {} x + h"])
def test_a_comparison(sign, at_equal, sides):
    condition = sides.format(sign)
    cell = define(
        f"x = Input(H)\nh = State()\nh_next = where({condition}, x - x**2 + 1, h * x + 3)"
    )
    m = reference.module_of(cell)
    x, h = np.array([1.0, 0.0, -1.0, 1e-300]), np.array([0.0, 0.0, 1.0, 0.0])
    ys, _, tape = m.forward(m.Params(4, 4), x[None, None], m.State(h[None]))
    first = {">": x > h, ">=": x >= h, "<": x < h, "<=": x <= h}[sign]
    np.testing.assert_array_equal(ys[0, 0], np.where(first, x - x**2 + 1, h * x + 3))
    assert ys[0, 0, 1] == at_equal
    _, dxs, dstate = m.backward(m.Params(4, 4), tape, np.ones_like(ys))
    np.testing.assert_array_equal(dxs[0, 0], np.where(first, 1 - 2 * x, h))
    np.testing.assert_array_equal(dstate.h[0], np.where(first, 0, x))


def test_what_is_not_chosen_may_be_no_number():
    cell = define("x = Input(H)\nh = State()\nh_next = where(x > 0, log(x), h)")
    m = reference.module_of(cell)
    with np.errstate(all="ignore"):
        ys, _, _ = m.forward(m.Params(2, 2), np.array([[[-1.0, 0.0]]]))
    np.testing.assert_array_equal(ys, 0)


def test_numbers_are_compared_at_once():
    cell = define("n = 2\nx = Input(H)\nh = State()\nh_next = where(n > 1, x, h) + h")
    assert [str(e) for e in cell.equations] == ["h_next = h + x"]


@pytest.mark.parametrize("body", [
    "f = sigmoid(W.f @ x)\nh_next = where(f, h, c)\nc_next = f",
    "h_next = where(1, h, c)\nc_next = W @ x",
    "h_next = where(W @ x, h, c)\nc_next = c",
])  # fmt: skip
def test_what_is_no_comparison_is_refused(body):
    assert "a comparison such as v > 1" in error_of(HEAD + body)


def test_shapes_in_a_choice():
    assert "shapes do not fit" in error_of(HEAD + "h_next = where(x > 0, h, c)\nc_next = W @ x")
