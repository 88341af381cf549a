"""The largest entry of a vector, the softmax, and the cumulative sum."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from some_cells import first
from test_javascript import Numbers, both
from test_language import HEAD, define, error_of
from written_cells import Delta
from written_cells import Slots as OfHeads

from derive.language import (
    Cell,
    H,
    I,
    Input,
    Matrix,
    State,
    largest,
    mean,
    sigmoid,
    softmax,
    tanh,
    where,
)  # fmt: skip
from derive.proof import check


class Slots(Cell):
    """Memory that is written where a softmax says; the largest entry of three things."""

    x = Input()
    h, c = State(), State()
    W, U = Matrix(H, I), Matrix(H, H)
    L = Matrix(H, H, trained=False, at=lambda i, j: where(i >= j, 1, 0))

    a = softmax(W.a @ x + U.a @ h)
    m = largest(h * c + W.m @ x)
    f = L @ softmax(U.f @ h)  # a cumulative softmax: ordered neurons' gate
    c_next = a * tanh(W.c @ x) + f * c * sigmoid(m) - mean(c) / 3
    h_next = tanh(c_next + largest(c_next) * h) + largest(U.h @ h)


def of_one_step(formula):
    """The outputs and input gradients of a formula in x, for one step and its weights."""
    cell = define(f"x = Input(H)\nh = State()\nh_next = {formula} + 0 * x + h")
    m = reference.module_of(cell)

    def run(x, dy):
        x, dy = np.atleast_2d(x)[None], np.atleast_2d(dy)[None]
        params = m.Params(x.shape[-1], x.shape[-1])
        ys, _, tape = m.forward(params, x)
        return ys[0], m.backward(params, tape, dy)[1][0]

    return run


@pytest.mark.parametrize(
    "cell", first(2, [Slots, Delta, OfHeads]), ids=["one", "matrix", "each head"]
)
def test_the_proof(cell):
    assert [row.name for row in check(cell) if not row.ok] == ["peer"]


def test_no_number_is_lost_past_a_sequence_s_end():
    """There the largest is that of what was computed, not of what is kept."""
    numbers = Numbers(both(Slots), (5, 4, (5, 2, 0, 1)))
    with np.errstate(all="raise"):
        m, state = numbers.numpy, numbers.numpy.State(**numbers.state)
        _, _, tape = m.forward(numbers.params, numbers.xs, state, list(numbers.lengths))
        dparams, dxs, _ = m.backward(numbers.params, tape, numbers.dys)
    assert np.isfinite(dparams.flat).all() and np.isfinite(dxs).all()


@pytest.mark.node
@pytest.mark.parametrize("cell", [Slots, OfHeads], ids=["one", "each head"])
def test_in_javascript(cell):
    Numbers(both(cell)).check()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e150])
def test_softmax_by_way_of_logarithms(scale):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(6, 5)) * scale, rng.normal(size=(6, 5))
    ys, dxs = of_one_step("softmax(x)")(x, dy)
    want = np.exp(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))
    np.testing.assert_allclose(ys, want, rtol=1e-13, atol=1e-300)
    inner = np.sum(want * dy, axis=-1, keepdims=True)
    np.testing.assert_allclose(dxs, want * (dy - inner), rtol=1e-12, atol=1e-15)


def test_the_largest_and_its_ties():
    run = of_one_step("largest(x)")
    ys, dxs = run([[-3.0, -1.0, -2.0], [4.0, 4.0, 0.0], [5.0, 5.0, 5.0]], np.ones((3, 3)))
    np.testing.assert_array_equal(ys, [[-1] * 3, [4] * 3, [5] * 3])
    np.testing.assert_allclose(dxs, [[0, 3, 0], [1.5, 1.5, 0], [1, 1, 1]], rtol=1e-15)


def test_a_number_that_is_none_is_seen():
    ys, _ = of_one_step("largest(x)")([[1.0, np.nan]], np.ones((1, 2)))
    assert np.isnan(ys).all()


def test_names():
    cell = define(HEAD + "u = W @ x\nh_next = softmax(u) * h\nc_next = softmax(h_next) * c")
    assert [e.lhs.name for e in cell.equations] == ["u", "exp_u", "h_next", "exp_h", "c_next"]


def test_a_helper_takes_no_name_that_a_person_would():
    cell = define(HEAD + "p = softmax(W @ x)\nv = p * c\nc_next = v\nh_next = softmax(U @ h) * v")
    assert cell.equations[0].lhs.name == "v_softmax"


@pytest.mark.parametrize("formula", ["largest(2.0)", "softmax(sum(h))", "largest(W)"])
def test_of_what_is_no_vector(formula):
    text = error_of(HEAD + f"h_next = {formula} * h + W @ x\nc_next = c")
    assert "taken over a vector" in text
