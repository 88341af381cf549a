"""The contract of every generated module: what callers may rely on, whatever the cell.

Each test runs for every built-in cell, on the committed module in `generated/`. Nothing here knows
what a cell computes; `test_worked_numbers`, `test_peers` and `derive check` do.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import pickle
import re
import shutil
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from some_cells import VECTORS

FOLDER = Path(__file__).parent.parent / "generated"
T, B = 4, 3
LENGTHS = [2, 4, 0]  # one ends early, one not at all, one has not begun


@pytest.fixture(params=VECTORS, scope="module")
def m(request):
    return importlib.import_module(f"generated.{request.param}")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def parameters_of(name):
    m = importlib.import_module(f"generated.{name}")
    return set(m.Params(**sizes_of(m)))


# --- arguments for any cell ----------------------------------------------------------------------


def sizes_of(m, I=2, H=3):
    names = [n for n in inspect.signature(m.Params).parameters if n != "dtype"]
    return {n: {"input_size": I, "hidden_size": H}.get(n, H + 1) for n in names}


def make_params(m, rng, dtype=np.float64, **sizes):
    params = m.Params(**sizes_of(m, **sizes), dtype=dtype)
    params.flat[:] = 0.7 * rng.normal(size=params.flat.size)
    return params


def make_state(m, rng, params, B=B):
    empty = np.zeros((0, B, params.input_size), params.flat.dtype)
    zeros = m.forward(params, empty)[1]
    return m.State(*(rng.normal(size=s.shape).astype(s.dtype) for s in zeros))


class Run:
    """One forward run with everything that goes into it."""

    def __init__(self, m, rng, T=T, B=B, dtype=np.float64, lengths=None, **sizes):
        self.m, self.rng, self.lengths = m, rng, lengths
        self.params = make_params(m, rng, dtype, **sizes)
        self.xs = rng.normal(size=(T, B, self.params.input_size)).astype(dtype)
        self.state = make_state(m, rng, self.params, B)
        self.ys, self.final, self.tape = m.forward(self.params, self.xs, self.state, lengths)
        self.dys = rng.normal(size=self.ys.shape).astype(dtype)
        self.dstate = self.like(self.state)

    def like(self, state):
        return self.m.State(*(self.rng.normal(size=s.shape).astype(s.dtype) for s in state))

    def direction(self):
        params = self.params.zeros()
        params.flat[:] = self.rng.normal(size=params.flat.size)
        return params, self.rng.normal(size=self.xs.shape).astype(self.xs.dtype), self.like(
            self.state)  # fmt: skip

    def backward(self):
        return self.m.backward(self.params, self.tape, self.dys, self.dstate)

    def everything(self):
        """All results of all functions on these arguments."""
        d = self.direction()
        yield from arrays(self.m.forward(self.params, self.xs, self.state, self.lengths)[:2])
        if len(self.xs):
            yield from arrays(self.m.step(self.params, self.xs[0], self.state))
        yield from arrays(self.backward())
        yield from arrays(self.m.jvp(self.params, self.tape, *d))
        yield from arrays(self.m.hvp(self.params, self.tape, self.dys, *d, self.dstate))

    def moved(self, direction):
        """forward's arguments, an imaginary step of 1e-30 along a direction."""
        params = self.m.Params(**sizes_like(self.params), dtype=np.complex128)
        params.flat[:] = self.params.flat + 1e-30j * direction[0].flat
        xs = self.xs + 1e-30j * direction[1]
        steps = zip(self.state, direction[2], strict=True)
        return params, xs, self.m.State(*(s + 1e-30j * d for s, d in steps)), self.lengths

    def loss(self, flat, xs, state):
        """The loss whose gradient `backward` gives, at another point."""
        params = self.m.Params(**sizes_like(self.params), dtype=np.result_type(flat, xs, *state))
        params.flat[:] = flat
        dtype = params.flat.dtype
        state = self.m.State(*(s.astype(dtype) for s in state))
        ys, final, _ = self.m.forward(params, xs.astype(dtype), state, self.lengths)
        return np.sum(self.dys * ys) + sum(
            np.sum(d * s) for d, s in zip(self.dstate, final, strict=True)
        )


def sizes_like(params):
    names = [n for n in inspect.signature(type(params)).parameters if n != "dtype"]
    return {n: getattr(params, n) for n in names}


def arrays(result):
    """The arrays in a result, Params as their flat vector."""
    if isinstance(result, np.ndarray):
        yield result
    elif isinstance(result, tuple):
        for part in result:
            yield from arrays(part)
    else:
        yield result.flat


def inner(a, b):
    return sum(np.sum(u * v) for u, v in zip(arrays(a), arrays(b), strict=True))


def same(a, b, **tolerances):
    for u, v in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_allclose(u, v, **({"rtol": 1e-10, "atol": 1e-12} | tolerances))


def identical(a, b):
    for u, v in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_array_equal(u, v)


# --- Params --------------------------------------------------------------------------------------


def test_flat_holds_every_parameter_once(m, rng):
    params = make_params(m, rng)
    assert params.flat.ndim == 1 and params.flat.flags.c_contiguous and params.flat.flags.writeable
    assert params.flat.size == sum(v.size for v in params.values())
    params.flat[:] = np.arange(params.flat.size)
    assert sorted(np.concatenate([v.ravel() for v in params.values()])) == list(params.flat)


def test_parameters_are_zero_at_first(m):
    assert not m.Params(**sizes_of(m)).flat.any()


def test_views_share_memory_with_flat(m, rng):
    params = make_params(m, rng)
    for view in params.values():
        assert np.shares_memory(view, params.flat)
        before = params.flat.copy()
        view[...] += 1.0
        assert np.count_nonzero(params.flat != before) == view.size
    params.flat[:] = 3.0
    assert all(np.all(view == 3.0) for view in params.values())


def test_flat_can_be_updated_in_place_by_an_optimiser(m, rng):
    params = make_params(m, rng)
    before, grad = params.flat.copy(), rng.normal(size=params.flat.size)
    flat = params.flat
    flat -= 0.1 * grad
    np.testing.assert_array_equal(params.flat, before - 0.1 * grad)


def test_assignment_by_name(m, rng):
    params = make_params(m, rng)
    for name, view in params.items():
        value = rng.normal(size=view.shape)
        params[name] = value
        np.testing.assert_array_equal(params[name], value)
        assert np.shares_memory(params[name], params.flat)
        params[name] += 1.0
        np.testing.assert_array_equal(params[name], value + 1.0)


def test_assignment_copies(m, rng):
    params = make_params(m, rng)
    name = next(iter(params))
    value = np.zeros_like(params[name])
    params[name] = value
    value[...] = 9.0
    assert not params[name].any()


def test_it_is_a_mapping_with_the_shapes_it_says(m):
    params = m.Params(**sizes_of(m, I=5, H=7))
    assert list(params) == list(m.Params.SHAPES) and len(params) == len(m.Params.SHAPES)
    lengths = {"I": 5, "H": 7}
    for name, axes in m.Params.SHAPES.items():
        assert name in params
        assert params[name].shape == tuple(lengths.get(a, 8) for a in axes)
    assert "nonsense" not in params and params.get("nonsense") is None


@pytest.mark.parametrize("copied", [
    lambda p: p.copy(), copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p)),
], ids=["copy()", "copy.copy", "deepcopy", "pickle"])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_are_whole_and_apart(m, rng, copied, dtype):
    params = make_params(m, rng, dtype)
    other = copied(params)
    assert type(other) is m.Params and sizes_like(other) == sizes_like(params)
    assert other.flat.dtype == dtype
    np.testing.assert_array_equal(other.flat, params.flat)
    assert not np.shares_memory(other.flat, params.flat)
    for view in other.values():  # views of the copy's own memory
        assert np.shares_memory(view, other.flat)
    other.flat[:] = 0
    assert params.flat.any() and not any(v.any() for v in other.values())


def test_a_copy_computes_with_its_own_values(m, rng):
    """Stacked weights are views too: a copy must not go on reading the original's."""
    run = Run(m, rng)
    for copied in (run.params.copy(), copy.deepcopy(run.params),
                   pickle.loads(pickle.dumps(run.params))):  # fmt: skip
        identical(m.forward(copied, run.xs, run.state)[:2], (run.ys, run.final))
        copied.flat[:] = 0.1
        fresh = m.Params(**sizes_like(run.params))
        fresh.flat[:] = 0.1
        identical(m.forward(copied, run.xs)[:2], m.forward(fresh, run.xs)[:2])
        identical(m.forward(run.params, run.xs, run.state)[:2], (run.ys, run.final))


def test_every_result_of_forward_can_be_pickled_and_used(m, rng):
    run = Run(m, rng, lengths=LENGTHS)
    tape = pickle.loads(pickle.dumps(run.tape))
    identical(m.backward(run.params, tape, run.dys, run.dstate), run.backward())
    identical(pickle.loads(pickle.dumps(run.final)), run.final)


def test_zeros(m, rng):
    params = make_params(m, rng, np.float32)
    zeros = params.zeros()
    assert zeros.flat.dtype == np.float32 and sizes_like(zeros) == sizes_like(params)
    assert not zeros.flat.any() and params.flat.any()


def test_an_unknown_name_says_which_there_are(m, rng):
    params = make_params(m, rng)
    for use in (lambda: params["W_zzz"], lambda: params.__setitem__("W_zzz", 0.0)):
        with pytest.raises((KeyError, ValueError), match="W_zzz") as error:
            use()
        assert next(iter(params)) in str(error.value)


def test_a_wrong_shape_or_dtype_is_not_assigned(m, rng):
    params = make_params(m, rng)
    before = params.flat.copy()
    for name, view in params.items():
        wrong = np.zeros((*view.shape, 2))
        with pytest.raises(ValueError, match=name) as error:
            params[name] = wrong
        assert str(wrong.shape) in str(error.value) and str(view.shape) in str(error.value)
        with pytest.raises(TypeError, match=name):
            params[name] = np.zeros(view.shape, np.complex128)
        with pytest.raises(TypeError, match=name):
            params[name] = np.zeros(view.shape, np.float32)
    np.testing.assert_array_equal(params.flat, before)


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", None, True, np.float64(2)])
def test_a_size_is_a_positive_integer(m, size):
    for name in sizes_of(m):
        with pytest.raises((ValueError, TypeError), match=name):
            m.Params(**(sizes_of(m) | {name: size}))


def test_a_size_may_be_numpy_s_integer(m):
    sizes = {name: np.int32(n) for name, n in sizes_of(m).items()}
    assert m.Params(**sizes).flat.size == m.Params(**sizes_of(m)).flat.size


@pytest.mark.parametrize("dtype", [np.int64, np.float16, bool, object, "U4", ">f8"])
def test_a_dtype_is_one_that_it_computes_in(m, dtype):
    with pytest.raises(TypeError, match="dtype"):
        m.Params(**sizes_of(m), dtype=dtype)


def test_parameters_show_themselves_in_one_line(m, rng):
    text = repr(make_params(m, rng))
    assert text.startswith("Params(") and "\n" not in text and "float64" in text


# --- init ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_init_is_reproducible_from_its_seed(m, dtype):
    one, two, other = (
        m.init(np.random.default_rng(seed), **sizes_of(m, I=4, H=6), dtype=dtype)
        for seed in (5, 5, 6)
    )
    identical((one,), (two,))
    assert one.flat.dtype == dtype and not np.array_equal(one.flat, other.flat)


def test_init_is_what_its_docstring_says(m):
    """Glorot's uniform matrices, nothing else but what is named."""
    assert "Glorot" in m.init.__doc__ or "orthogonal" in m.init.__doc__.lower()
    params = m.init(np.random.default_rng(0), **sizes_of(m, I=40, H=50))
    for view in params.values():
        if view.ndim == 2:
            bound = np.sqrt(6 / sum(view.shape))
            assert np.abs(view).max() <= bound
            assert np.abs(view).max() > 0.98 * bound
            assert view.std() == pytest.approx(bound / np.sqrt(3), rel=0.1)
        else:
            assert np.unique(view).size == 1


@pytest.mark.parametrize("m", [n for n in VECTORS if "b_f" in parameters_of(n)], indirect=True)
def test_init_opens_the_forget_gate(m):
    params = m.init(np.random.default_rng(0), **sizes_of(m))
    assert np.all(params["b_f"] == 1.0)
    assert re.search(r"\bb_f\b[^;]* at 1\b", m.init.__doc__)
    assert not any(params[k].any() for k in params if k.startswith("b_") and k != "b_f")


# --- shapes and dtypes ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 3, 2, 5), (1, 1, 1, 1), (0, 3, 2, 5), (4, 0, 2, 5),
                                   (0, 0, 1, 1), (7, 1, 3, 1), (2, 5, 1, 4)])  # fmt: skip
@pytest.mark.parametrize("ragged", [False, True])
def test_shapes_and_dtypes_of_every_result(m, rng, dtype, shape, ragged):
    T, B, I, H = shape
    lengths = np.arange(B) % (T + 1) if ragged else None
    run = Run(m, rng, T, B, dtype, lengths, I=I, H=H)
    widths = [s.shape for s in run.state]
    out = run.ys.shape
    assert out[:2] == (T, B) and run.xs.shape == (T, B, I)
    assert all(w[0] == B for w in widths)
    dparams, dxs, dstate = run.backward()
    d = run.direction()
    ys_dot, state_dot = m.jvp(run.params, run.tape, *d)
    dparams_dot, dxs_dot, dstate_dot = m.hvp(run.params, run.tape, run.dys, *d, run.dstate)
    assert ys_dot.shape == out
    assert dxs.shape == dxs_dot.shape == run.xs.shape
    for state in (run.final, dstate, state_dot, dstate_dot):
        assert isinstance(state, m.State) and [s.shape for s in state] == widths
    for params in (dparams, dparams_dot):
        assert isinstance(params, m.Params) and sizes_like(params) == sizes_like(run.params)
    assert {a.dtype for a in run.everything()} == {np.dtype(dtype)}
    if T == 0:  # nothing happens: the state passes through, and so does its gradient
        identical(run.final, run.state)
        identical(dstate, run.dstate)
        identical(state_dot, d[2])
        assert not dparams.flat.any() and not dparams_dot.flat.any()


def test_every_function_takes_complex_numbers(m):
    """Of real numbers in complex128 each gives what it gives in float64."""
    kinds = np.float64, np.complex128
    runs = [Run(m, np.random.default_rng(3), dtype=dtype).everything() for dtype in kinds]
    for real, other in zip(*runs, strict=True):
        assert other.dtype == np.complex128 and not other.imag.any()
        np.testing.assert_allclose(other.real, real, rtol=1e-9, atol=1e-12)


def test_single_precision_is_double_precision_rounded(m, rng):
    run = Run(m, rng)
    params = m.Params(**sizes_like(run.params), dtype=np.float32)
    params.flat[:] = run.params.flat
    state = m.State(*(s.astype(np.float32) for s in run.state))
    ys, final, tape = m.forward(params, run.xs.astype(np.float32), state)
    dstate = m.State(*(s.astype(np.float32) for s in run.dstate))
    gradients = m.backward(params, tape, run.dys.astype(np.float32), dstate)
    same((ys, final, gradients), (run.ys, run.final, run.backward()), rtol=1e-3, atol=1e-4)


def test_a_cell_in_more_dimensions_is_not_transposed(m, rng):
    """All sizes differ, so that a mixed-up axis cannot go unnoticed."""
    run = Run(m, rng, T=2, B=7, I=3, H=5)
    y, _ = m.step(run.params, run.xs[0], run.state)
    same(y, run.ys[0])


# --- defaults ------------------------------------------------------------------------------------


def test_what_is_left_out_is_zero(m, rng):
    run = Run(m, rng)
    zero = m.State(*(np.zeros_like(s) for s in run.state))
    identical(m.forward(run.params, run.xs)[:2], m.forward(run.params, run.xs, zero)[:2])
    identical(m.step(run.params, run.xs[0], None), m.step(run.params, run.xs[0], zero))
    identical(m.backward(run.params, run.tape, run.dys),
              m.backward(run.params, run.tape, run.dys, zero))  # fmt: skip
    v, nothing = run.direction()[0], np.zeros_like(run.xs)
    identical(m.jvp(run.params, run.tape, v), m.jvp(run.params, run.tape, v, nothing, zero))
    identical(
        m.hvp(run.params, run.tape, run.dys, v),
        m.hvp(run.params, run.tape, run.dys, v, nothing, zero, zero, 0 * run.dys, zero),
    )


def test_a_state_may_be_a_plain_tuple(m, rng):
    run = Run(m, rng)
    identical(m.forward(run.params, run.xs, tuple(run.state))[:2], (run.ys, run.final))


# --- derivatives ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_every_partial_derivative_by_complex_step(m, rng, lengths):
    run = Run(m, rng, lengths=lengths)
    dparams, dxs, dstate = run.backward()
    h = 1e-30

    def check(name, array, gradient, loss):
        got = np.empty(array.size)
        for k in range(array.size):
            z = array.astype(complex).ravel()
            z[k] += 1j * h
            got[k] = loss(z.reshape(array.shape)).imag / h
        np.testing.assert_allclose(gradient.ravel(), got, rtol=1e-12, atol=1e-13, err_msg=name)

    flat, xs, state = run.params.flat, run.xs, run.state
    check("params", flat, dparams.flat, lambda z: run.loss(z, xs, state))
    check("xs", xs, dxs, lambda z: run.loss(flat, z, state))
    for name in m.State._fields:
        check(name, getattr(state, name), getattr(dstate, name),
              lambda z, name=name: run.loss(flat, xs, state._replace(**{name: z})))  # fmt: skip


def test_central_differences(m, rng):
    run = Run(m, rng, lengths=LENGTHS)
    gradients = run.backward()
    for _ in range(5):
        d, h = run.direction(), 1e-6

        def at(h, d=d):
            state = m.State(*(s + h * v for s, v in zip(run.state, d[2], strict=True)))
            return run.loss(run.params.flat + h * d[0].flat, run.xs + h * d[1], state)

        assert (at(h) - at(-h)) / (2 * h) == pytest.approx(inner(gradients, d), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_forward_and_reverse_mode_agree(m, rng, lengths):
    run = Run(m, rng, lengths=lengths)
    d = run.direction()
    tangents = m.jvp(run.params, run.tape, *d)
    left, right = inner(tangents, (run.dys, run.dstate)), inner(d, run.backward())
    if lengths:  # past the end, dys does not matter
        past = np.arange(T)[:, None] >= np.array(lengths)
        assert not tangents[0][past].any()
    assert left == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_hvp_is_the_derivative_of_the_gradient(m, rng, lengths):
    run = Run(m, rng, lengths=lengths)
    d = run.direction()
    params, *rest = run.moved(d)
    dstate = m.State(*(s.astype(complex) for s in run.dstate))
    gradient = m.backward(params, m.forward(params, *rest)[2], run.dys.astype(complex), dstate)
    got = m.hvp(run.params, run.tape, run.dys, *d, run.dstate)
    for a, b in zip(arrays(got), arrays(gradient), strict=True):
        np.testing.assert_allclose(a, b.imag / 1e-30, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_the_hessian_is_symmetric(m, rng, lengths):
    run = Run(m, rng, lengths=lengths)
    v, w = run.direction(), run.direction()
    hv, hw = (m.hvp(run.params, run.tape, run.dys, *d, run.dstate) for d in (v, w))
    assert inner(hv, w) == pytest.approx(inner(hw, v), rel=1e-10)


def test_hvp_of_a_loss_that_is_not_linear(m, rng):
    """With dys_dot, hvp serves any loss: here ½|ys|² + ½|state|², whose gradient is moved by a
    complex step."""
    run = Run(m, rng)
    d = run.direction()
    params, *rest = run.moved(d)
    ys, final, tape = m.forward(params, *rest)
    gradient = m.backward(params, tape, ys, final)
    ys_dot, state_dot = m.jvp(run.params, run.tape, *d)
    got = m.hvp(run.params, run.tape, run.ys, *d, run.final, ys_dot, state_dot)
    for a, b in zip(arrays(got), arrays(gradient), strict=True):
        np.testing.assert_allclose(a, b.imag / 1e-30, rtol=1e-9, atol=1e-12)


def test_derivatives_are_linear_in_what_they_are_given(m, rng):
    run = Run(m, rng)
    twice = m.backward(run.params, run.tape, 2 * run.dys, m.State(*(2 * s for s in run.dstate)))
    for a, b in zip(arrays(twice), arrays(run.backward()), strict=True):
        np.testing.assert_allclose(a, 2 * b, rtol=1e-12)
    nothing = m.backward(run.params, run.tape, 0 * run.dys)
    assert not any(a.any() for a in arrays(nothing))
    assert not any(a.any() for a in arrays(m.jvp(run.params, run.tape, run.params.zeros())))


# --- sequences -----------------------------------------------------------------------------------


def test_step_by_step_is_forward(m, rng):
    run = Run(m, rng)
    state = run.state
    for x, y in zip(run.xs, run.ys, strict=True):
        got, state = m.step(run.params, x, state)
        same(got, y)
    same(state, run.final)


def test_every_sequence_of_a_batch_runs_for_itself(m, rng):
    run = Run(m, rng)
    total = run.params.zeros()
    gradients = run.backward()
    for b in range(B):
        one = slice(b, b + 1)
        ys, final, tape = m.forward(run.params, run.xs[:, one], pick(m, run.state, one))
        same(ys, run.ys[:, one])
        same(final, pick(m, run.final, one))
        g = m.backward(run.params, tape, run.dys[:, one], pick(m, run.dstate, one))
        total.flat[:] += g[0].flat
        same(g[1:], (gradients[1][:, one], pick(m, gradients[2], one)))
    same(total.flat, gradients[0].flat)


def pick(m, state, part):
    return m.State(*(s[part] for s in state))


@pytest.mark.parametrize("lengths", [LENGTHS, [0, 0, 0], [T, T, T], [1, 0, T], [1, 1, 1]])
@pytest.mark.parametrize("filler", [0.0, 7.0, np.nan, np.inf])
def test_a_ragged_batch_is_its_sequences_alone(m, rng, lengths, filler):
    """What lies past a sequence's end has no effect, not even if it is not a number."""
    run = Run(m, rng)
    past = np.arange(T)[:, None] >= np.array(lengths)
    xs, dys = run.xs.copy(), run.dys.copy()
    xs[past], dys[past] = filler, filler
    d = run.direction()
    d_torn = d[0], d[1].copy(), d[2]
    d_torn[1][past] = filler
    ys, final, tape = m.forward(run.params, xs, run.state, lengths)
    gradients = m.backward(run.params, tape, dys, run.dstate)
    tangents = m.jvp(run.params, tape, *d_torn)
    seconds = m.hvp(run.params, tape, dys, *d_torn, run.dstate, dys)
    totals = [run.params.zeros(), run.params.zeros()]
    assert not ys[past].any() and not gradients[1][past].any()
    assert not tangents[0][past].any() and not seconds[1][past].any()
    for b, n in enumerate(lengths):
        one = slice(b, b + 1)
        y, end, alone = m.forward(run.params, run.xs[:n, one], pick(m, run.state, one))
        same(ys[:n, one], y)
        same(pick(m, final, one), end)
        seeds = run.dys[:n, one], pick(m, run.dstate, one)
        g = m.backward(run.params, alone, *seeds)
        same((gradients[1][:n, one], pick(m, gradients[2], one)), g[1:])
        v = d[0], d[1][:n, one], pick(m, d[2], one)
        same((tangents[0][:n, one], pick(m, tangents[1], one)), m.jvp(run.params, alone, *v))
        second = m.hvp(run.params, alone, seeds[0], *v, seeds[1], seeds[0])
        same((seconds[1][:n, one], pick(m, seconds[2], one)), second[1:])
        totals[0].flat[:] += g[0].flat
        totals[1].flat[:] += second[0].flat
    same(gradients[0].flat, totals[0].flat)
    same(seconds[0].flat, totals[1].flat)


def test_full_lengths_change_nothing(m, rng):
    run = Run(m, rng)
    identical(m.forward(run.params, run.xs, run.state, [T] * B)[:2], (run.ys, run.final))


@pytest.mark.parametrize("kind", [list, tuple, np.int32, np.uint8, np.int64])
def test_lengths_of_any_integers(m, rng, kind):
    run = Run(m, rng, lengths=LENGTHS)
    given = kind(LENGTHS) if kind in (list, tuple) else np.array(LENGTHS, kind)
    identical(m.forward(run.params, run.xs, run.state, given)[:2], (run.ys, run.final))


@pytest.mark.parametrize("cut", [0, 1, 3, T])
def test_a_sequence_in_two_parts_is_one_sequence(m, rng, cut):
    run = Run(m, rng)
    ys_1, state, tape_1 = m.forward(run.params, run.xs[:cut], run.state)
    ys_2, final, tape_2 = m.forward(run.params, run.xs[cut:], state)
    same(np.concatenate([ys_1, ys_2]), run.ys)
    same(final, run.final)

    dparams_2, dxs_2, dstate = m.backward(run.params, tape_2, run.dys[cut:], run.dstate)
    dparams_1, dxs_1, dstate = m.backward(run.params, tape_1, run.dys[:cut], dstate)
    dparams, dxs, dinitial = run.backward()
    same(dparams_1.flat + dparams_2.flat, dparams.flat)
    same(np.concatenate([dxs_1, dxs_2]), dxs)
    same(dstate, dinitial)

    d = run.direction()
    ys_dot_1, state_dot = m.jvp(run.params, tape_1, d[0], d[1][:cut], d[2])
    ys_dot_2, state_dot = m.jvp(run.params, tape_2, d[0], d[1][cut:], state_dot)
    same((np.concatenate([ys_dot_1, ys_dot_2]), state_dot), m.jvp(run.params, run.tape, *d))


# --- memory --------------------------------------------------------------------------------------


def snapshot(*objects):
    return [a.copy() for o in objects for a in arrays(o)]


def test_nothing_given_is_changed(m, rng):
    run = Run(m, rng, lengths=np.array(LENGTHS))
    d, e = run.direction(), run.direction()
    given = (run.params, run.xs, run.state, run.dys, run.dstate, run.lengths, *d, *e,
             *(a for a in run.tape if a is not None))  # fmt: skip
    before = snapshot(*given)
    m.forward(run.params, run.xs, run.state, run.lengths)
    m.step(run.params, run.xs[0], run.state)
    run.backward()
    m.jvp(run.params, run.tape, *d)
    m.hvp(run.params, run.tape, run.dys, *d, run.dstate, e[1][..., :1] * 0 + run.dys, e[2])
    for a, b in zip(before, snapshot(*given), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_given_may_be_read_only(m, rng):
    run = Run(m, rng, lengths=LENGTHS)
    want = list(Run(m, np.random.default_rng(7), lengths=LENGTHS).everything())
    for array in (run.xs, run.dys, run.params.flat, *run.params.values(), *run.state,
                  *run.dstate, *(a for a in run.tape if a is not None)):  # fmt: skip
        array.flags.writeable = False
    identical(tuple(run.everything()), tuple(want))


def test_the_tape_can_be_used_again(m, rng):
    run = Run(m, rng, lengths=LENGTHS)
    first = run.backward()
    d = run.direction()
    hessian = m.hvp(run.params, run.tape, run.dys, *d, run.dstate)
    tangents = m.jvp(run.params, run.tape, *d)
    identical(run.backward(), first)
    identical(m.hvp(run.params, run.tape, run.dys, *d, run.dstate), hessian)
    identical(m.jvp(run.params, run.tape, *d), tangents)


def test_a_second_forward_leaves_the_first_tape_alone(m, rng):
    run = Run(m, rng)
    before = run.backward()
    m.forward(run.params, 2 * run.xs, run.state)
    identical(run.backward(), before)


def test_results_are_the_callers_own(m, rng):
    """Whoever writes into a result changes nothing that a later call computes."""
    run = Run(m, rng)
    want = run.backward()
    d = run.direction()
    tangents = m.jvp(run.params, run.tape, *d)
    run.ys[...] = 1e9
    for s in run.final:
        s[...] = 1e9
    for s in run.state:
        s[...] = 1e9
    got = run.backward()
    identical(got, want)
    for a in arrays(got):
        a[...] = 1e9
    identical(run.backward(), want)
    identical(m.jvp(run.params, run.tape, *d), tangents)


def test_results_share_no_memory(m, rng):
    """Not with what was given, not with the tape, not with each other, but for State's fields
    of one array (an output that is a state)."""
    run = Run(m, rng)
    given = [run.params.flat, run.xs, *run.state, run.dys, *run.dstate,
             *(a for a in run.tape if a is not None)]  # fmt: skip
    d = run.direction()
    for result in (
        (run.ys, run.final),
        run.backward(),
        m.jvp(run.params, run.tape, *d),
        m.hvp(run.params, run.tape, run.dys, *d, run.dstate),
    ):
        own = list(arrays(result))
        for k, a in enumerate(own):
            assert not any(np.shares_memory(a, g) for g in [*given, *arrays(d)])
            assert not any(np.shares_memory(a, b) for b in own[:k])


def test_a_step_may_write_its_result_over_its_state(m, rng):
    """Streaming: y and the new state do not share memory with what comes next."""
    run = Run(m, rng)
    y, state = m.step(run.params, run.xs[0], run.state)
    kept = [s.copy() for s in state]
    y[...] = 1e9
    identical(state, tuple(kept))


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed", "transposed", "view"])
def test_any_layout_in_memory(m, rng, layout):
    lay = {
        "fortran": np.asfortranarray,
        "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
        "transposed": lambda a: np.ascontiguousarray(a.T).T,
        "view": lambda a: np.pad(a, 3)[tuple(slice(3, -3) for _ in a.shape)],
    }[layout]
    run = Run(m, rng)
    want = list(run.everything())
    again = Run(m, np.random.default_rng(7))
    again.xs, again.dys = lay(again.xs), lay(again.dys)
    again.state = m.State(*map(lay, again.state))
    again.dstate = m.State(*map(lay, again.dstate))
    same(tuple(again.everything()), tuple(want))


def test_nested_lists_will_do(m, rng):
    run = Run(m, rng)
    state = m.State(*(s.tolist() for s in run.state))
    ys, _, tape = m.forward(run.params, run.xs.tolist(), state)
    same(ys, run.ys)
    same(m.backward(run.params, tape, run.dys.tolist(), m.State(*map(np.ndarray.tolist,
         run.dstate))), run.backward())  # fmt: skip


# --- extreme values (warnings are errors here) ---------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [1e4, -1e4, 1e30, -1e30])
def test_saturating_values_give_no_warning(m, rng, dtype, value):
    if "layer_norm" in m.__name__ and dtype == np.float32:
        value = np.copysign(min(abs(value), 1e12), value)  # its cube is a number
    run = Run(m, rng, dtype=dtype)
    for xs in (np.full_like(run.xs, value), (value * np.sign(run.xs)).astype(dtype)):
        ys, final, tape = m.forward(run.params, xs)
        assert np.isfinite(ys).all()
        assert all(np.isfinite(a).all() for a in arrays(m.step(run.params, xs[0], None)))
        assert np.isfinite(m.backward(run.params, tape, run.dys)[1]).all()
        d = run.direction()
        assert np.isfinite(m.jvp(run.params, tape, run.params.zeros(), d[1])[0]).all()
        m.hvp(run.params, tape, run.dys, *d)
        del final


@pytest.mark.parametrize("value", [1e4, -1e4])
def test_saturating_weights_and_states_give_no_warning(m, rng, value):
    run = Run(m, rng)
    run.params.flat[:] *= abs(value)
    state = m.State(*(np.full_like(s, value) for s in run.state))
    _, _, tape = m.forward(run.params, run.xs, state)
    for a in arrays(m.backward(run.params, tape, run.dys, run.dstate)):
        assert not np.isnan(a).any()


def test_tiny_values_give_no_warning(m, rng):
    run = Run(m, rng, dtype=np.float32)
    run.params.flat[:] *= 1e-30
    tape = m.forward(run.params, run.xs * np.float32(1e-20))[2]
    m.backward(run.params, tape, run.dys)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_in_gives_nan_out(m, rng, dtype):
    run = Run(m, rng, dtype=dtype)
    xs = run.xs.copy()
    xs[1, 0, 0] = np.nan
    ys, final, tape = m.forward(run.params, xs, run.state)
    assert np.isnan(ys[1:, 0]).all() and any(np.isnan(s[0]).any() for s in final)
    same((ys[:, 1:], ys[0]), (run.ys[:, 1:], run.ys[0]), rtol=1e-5)
    dparams, dxs, _ = m.backward(run.params, tape, run.dys)
    assert np.isnan(dparams.flat).any() and np.isnan(dxs[1, 0]).all()
    assert not np.isnan(dxs[:, 1:]).any()
    state = m.State(*(np.full_like(s, np.nan) for s in run.state))
    assert np.isnan(m.step(run.params, run.xs[0], state)[0]).all()
    dys = run.dys.copy()
    dys[1, 0, 0] = np.nan
    assert np.isnan(m.backward(run.params, run.tape, dys)[0].flat).any()


def test_a_long_sequence_of_large_gradients_gives_no_warning(m, rng):
    run = Run(m, rng, T=300, B=1)
    run.params.flat[:] *= 0.1
    tape = m.forward(run.params, run.xs)[2]
    m.backward(run.params, tape, run.dys * 1e100)


# --- errors --------------------------------------------------------------------------------------


class Silent(types.ModuleType):
    """NumPy, but whoever computes with it fails."""

    ALLOWED = frozenset({
        "asarray", "ascontiguousarray", "array", "zeros", "zeros_like", "dtype", "float64",
        "float32", "complex128", "ndarray", "integer", "any", "all", "ndim", "shape", "asanyarray",
        "floating", "issubdtype", "isscalar",
    })  # fmt: skip

    def __getattr__(self, name):
        if name not in self.ALLOWED:
            raise AssertionError(f"np.{name} was called before the arguments were checked")
        return getattr(np, name)


def wrong_arguments(m, run):
    """(function, arguments, name of the wrong one, how it is wrong)."""
    d = run.direction()
    base = {
        "params": run.params, "xs": run.xs, "state": run.state, "lengths": None,
        "tape": run.tape, "dys": run.dys, "dstate": run.dstate, "x": run.xs[0],
        "params_dot": d[0], "xs_dot": d[1], "state_dot": d[2], "dys_dot": run.dys,
        "dstate_dot": run.dstate,
    }  # fmt: skip
    other_sizes = m.Params(**(sizes_like(run.params) | {"hidden_size": 9}))
    for function in (m.forward, m.backward, m.step, m.jvp, m.hvp):
        own = {k: base[k] for k in inspect.signature(function).parameters}
        for name, good in own.items():
            for wrong, error, says in bad_values(m, run, name, good, other_sizes):
                arguments = own | {name: wrong}
                yield function, arguments, name, error, says


def bad_values(m, run, name, good, other_sizes):
    if name in ("params", "params_dot"):
        yield None, TypeError, ()
        yield dict(good), TypeError, ()
        yield good.flat, TypeError, ()
        if name == "params_dot":
            yield other_sizes, ValueError, ("9", "3")
            yield m.Params(**sizes_like(good), dtype=np.float32), TypeError, ("float32", "float64")
    elif name == "tape":
        yield None, TypeError, ()
        yield tuple(good), TypeError, ()
    elif name == "lengths":
        yield [1, 2], ValueError, ("(2,)", "(3,)")
        yield [1, 2, 99], ValueError, ("99", "4")
        yield [1, 2, -1], ValueError, ("-1",)
        yield [1.0, 2.0, 3.0], TypeError, ("float64",)
        yield [True, False, True], TypeError, ("bool",)
        yield 3, ValueError, ("()", "(3,)")
    elif isinstance(good, tuple):
        yield good[:-1], TypeError, ()
        yield {"h": 1}, TypeError, ()
        for field in m.State._fields:
            array = getattr(good, field)
            for bad, error, says in bad_arrays(array):
                yield good._replace(**{field: bad}), error, (field, *says)
    else:
        yield from bad_arrays(good)


def bad_arrays(good):
    yield good[..., :-1], ValueError, (str(good[..., :-1].shape),)
    yield good[None], ValueError, (str(good[None].shape),)
    yield good[0], ValueError, (str(good[0].shape),)
    yield good.astype(np.float32), TypeError, ("float32", "float64")
    yield good.astype(np.float16), TypeError, ("float16", "float64")
    yield np.ones(good.shape, int), TypeError, ("int", "float64")
    yield np.full(good.shape, "a"), TypeError, ("<U1", "float64")
    yield np.full(good.shape, None), TypeError, ("object", "float64")


def test_a_wrong_argument_is_named_before_anything_is_computed(m, rng, monkeypatch):
    run = Run(m, rng)
    cases = list(wrong_arguments(m, run))
    assert len(cases) > 100
    monkeypatch.setattr(m, "np", Silent("numpy"))
    for function, arguments, name, error, says in cases:
        about = f"{function.__name__}, {name}: {says}"
        try:
            function(**arguments)
        except error as raised:
            text = str(raised)
            assert name in text, f"{about}: {text}"
            assert "\n" not in text, about
            for word in says:
                assert word in text, f"{about}: {text}"
        else:
            raise AssertionError(f"{about}: nothing was raised")


def test_a_wrong_batch_size_is_told_by_the_state(m, rng):
    run = Run(m, rng)
    with pytest.raises(ValueError, match="state"):
        m.forward(run.params, run.xs[:, :2], run.state)
    with pytest.raises(ValueError, match="state"):
        m.step(run.params, run.xs[0, :2], run.state)


def test_a_tape_of_other_parameters_is_told(m, rng):
    run = Run(m, rng)
    for sizes in ({"H": 5}, {"I": 4}):
        other = Run(m, rng, **sizes)
        with pytest.raises((ValueError, TypeError), match="tape"):
            m.backward(run.params, other.tape, run.dys)
    small = Run(m, rng, dtype=np.float32)
    with pytest.raises(TypeError, match="tape"):
        m.backward(run.params, small.tape, run.dys)
    with pytest.raises(ValueError, match="dys"):
        m.backward(run.params, Run(m, rng, T=2).tape, run.dys)


def test_another_cell_s_parameters_are_told(m, rng):
    others = [importlib.import_module(f"generated.{n}") for n in VECTORS]
    other = next(o for o in others if o is not m)
    run, foreign = Run(m, rng), Run(other, rng)
    with pytest.raises(TypeError, match="params"):
        m.forward(foreign.params, run.xs)
    with pytest.raises(TypeError, match="tape"):
        m.backward(run.params, foreign.tape, run.dys)


# --- the module as a product ---------------------------------------------------------------------


@pytest.fixture(params=VECTORS)
def path(request):
    return FOLDER / f"{request.param}.py"


def test_it_imports_numpy_and_the_standard_library_alone(path):
    roots = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            roots.add(node.module.partition(".")[0])
    assert roots - set(sys.stdlib_module_names) == {"numpy"}


def test_it_works_where_there_is_nothing_else(path, tmp_path):
    """Copied to an empty folder and run with NumPy as the only thing that can be imported."""
    shutil.copy(path, tmp_path / "pasted.py")
    probe = f"""
import sys
import numpy as np
sys.path[:] = [p for p in sys.path if "packages" not in p]
sys.path.insert(0, {str(tmp_path)!r})
before = set(sys.modules)
import pasted
rng = np.random.default_rng(0)
import inspect
sizes = [n for n in inspect.signature(pasted.Params).parameters if n != "dtype"]
params = pasted.init(rng, *[2 + k for k in range(len(sizes))])
ys, state, tape = pasted.forward(params, rng.normal(size=(5, 3, 2)), None, [5, 2, 0])
dparams, dxs, dstate = pasted.backward(params, tape, ys)
assert dparams.flat.any()
foreign = {{m.partition(".")[0] for m in set(sys.modules) - before}}
print(sorted(m for m in foreign - set(sys.stdlib_module_names) if "cython" not in m))
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", probe], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() in ("['pasted']", "['numpy', 'pasted']")


def test_importing_it_prints_nothing_and_has_no_effect(path, tmp_path):
    shutil.copy(path, tmp_path / "pasted.py")
    result = subprocess.run([sys.executable, "-W", "error", "-B", "-c", "import pasted"],
                            cwd=tmp_path, capture_output=True, text=True)  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert [p.name for p in tmp_path.iterdir()] == ["pasted.py"]


def test_every_public_function_is_documented(m):
    assert m.__doc__ and m.LATEX.strip()
    for name in ("Params", "State", "Tape", "init", "forward", "backward", "step", "jvp", "hvp"):
        text = inspect.getdoc(getattr(m, name))
        assert text, name
        if name[0].islower():
            for parameter in inspect.signature(getattr(m, name)).parameters:
                assert parameter in text, f"{name}: {parameter}"
            assert "Returns" in text
            assert name == "init" or "Raises ValueError" in text


def test_the_same_call_gives_the_same_bytes(m):
    one, two = (
        list(Run(m, np.random.default_rng(7), lengths=LENGTHS).everything()) for _ in range(2)
    )
    assert [a.tobytes() for a in one] == [a.tobytes() for a in two]


def test_threads_do_not_disturb_each_other(m):
    """Nothing is kept between calls, so that many can run at once."""
    runs = [Run(m, np.random.default_rng(k), T=20, B=5) for k in range(6)]
    want = [list(arrays(r.backward())) for r in runs]
    errors = []

    def work(run, expected):
        try:
            for _ in range(10):
                ys, final, tape = m.forward(run.params, run.xs, run.state)
                identical((ys, final), (run.ys, run.final))
                identical(m.backward(run.params, tape, run.dys, run.dstate), tuple(expected))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(runs, want, strict=True)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[0]
