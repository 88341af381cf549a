"""Details of the contract that `make mutants` found to be held by no other test."""

from __future__ import annotations

import importlib
import re
import tracemalloc
import types

import numpy as np
import pytest
from some_cells import VECTORS
from test_contract import LENGTHS, Run, arrays, identical, make_params, sizes_of


@pytest.fixture(params=VECTORS, scope="module")
def m(request):
    return importlib.import_module(f"generated.{request.param}")


def run_of(m, **options):
    return Run(m, np.random.default_rng(7), **options)


# --- Params and State ----------------------------------------------------------------------------


def test_assigning_to_flat_copies_into_the_same_memory(m):
    params = make_params(m, np.random.default_rng(0))
    memory, values = params.flat, np.arange(float(params.flat.size))
    params.flat = values
    assert params.flat is memory
    np.testing.assert_array_equal(params.flat, values)
    params.flat -= 1.0
    assert params.flat is memory
    np.testing.assert_array_equal(params.flat, values - 1)


def test_what_does_not_fit_flat_is_not_assigned(m):
    params = make_params(m, np.random.default_rng(0))
    before = params.flat.copy()
    with pytest.raises(ValueError, match="flat"):
        params.flat = before[:-1]
    with pytest.raises(ValueError, match="flat"):
        params.flat = 0 * before[:1]
    with pytest.raises(TypeError, match="flat"):
        params.flat = np.zeros(before.shape, np.float32)
    np.testing.assert_array_equal(params.flat, before)


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", None, True])
def test_a_wrong_size_is_a_value_error(m, size):
    for name in sizes_of(m):
        with pytest.raises(ValueError, match=name):
            m.Params(**(sizes_of(m) | {name: size}))


def test_a_list_is_no_state(m):
    run = run_of(m)
    with pytest.raises(TypeError, match="state must be a State"):
        m.forward(run.params, run.xs, list(run.state))


def test_the_tape_holds_the_states_of_all_steps(m):
    run = run_of(m)
    for name in m.State._fields:
        steps = getattr(run.tape, f"{name}_s")
        identical(steps[0], getattr(run.state, name))
        identical(steps[-1], getattr(run.final, name))


def test_a_tape_of_another_shape_is_named(m):
    run = run_of(m)
    for name in m.State._fields:
        tape = run.tape._replace(**{f"{name}_s": getattr(run.tape, f"{name}_s")[..., :-1]})
        with pytest.raises(ValueError, match=rf"^tape\.{name}_s has shape"):
            m.backward(run.params, tape, run.dys, run.dstate)


# --- memory --------------------------------------------------------------------------------------


class Poisoned(types.ModuleType):
    """NumPy, but memory that nobody has written to is full of NaN."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def empty(shape, dtype=float):
        return np.full(shape, np.nan, dtype)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_nothing_is_read_before_it_is_written(m, monkeypatch, lengths):
    want = list(run_of(m, lengths=lengths).everything())
    monkeypatch.setattr(m, "np", Poisoned("numpy"))
    identical(tuple(run_of(m, lengths=lengths).everything()), tuple(want))


def test_a_result_keeps_no_more_memory_than_its_own(m):
    """Whoever keeps a result does not keep what was needed to compute it."""
    run = run_of(m)
    d = run.direction()
    tangents = m.jvp(run.params, run.tape, *d)
    second = m.hvp(run.params, run.tape, run.dys, *d, run.dstate)
    for a in arrays((run.ys, run.final, run.backward(), tangents, second)):
        whole = a
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        assert whole.nbytes == a.nbytes


def test_a_step_s_results_share_no_memory_with_what_is_given(m):
    """Whoever fills the same input again, step by step, does not change the state."""
    run = run_of(m)
    x = run.xs[0].copy()
    y, state = m.step(run.params, x, run.state)
    for a in (y, *state):
        assert not any(np.shares_memory(a, given) for given in (x, *run.state, run.params.flat))


def test_what_is_given_in_another_order_is_kept_in_memory_s_own(m):
    """A product of matrices whose rows lie apart takes several times as long."""
    run = run_of(m)
    tape = m.forward(run.params, np.asfortranarray(run.xs), run.state)[2]
    assert tape.xs.flags.c_contiguous


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0)])
def test_initial_parameters_take_a_generator(m, rng):
    with pytest.raises(TypeError, match="rng must be"):
        m.init(rng, **sizes_of(m))


def test_paragraphs_of_the_docstring_stand_apart(m):
    paragraphs = m.__doc__.split("\n\n")
    assert all(p.strip() for p in paragraphs)
    assert sum(p.startswith("Equations of one step") for p in paragraphs) == 1
    assert sum("\n" in p for p in paragraphs) >= 3  # and their lines together


def test_a_state_is_told_by_its_shape_and_where_it_starts(m):
    """Each shape once, and what does not start at zero."""
    run = run_of(m)
    started = m.forward(run.params, run.xs[:0])[1]
    for function in (m.forward, m.step):
        (said,) = re.findall(r" {8}state: the .*?State, each (.*?)\.\n {4}", function.__doc__, re.S)
        shapes, _, starts = " ".join(said.split()).partition("; ")
        lengths = {s.shape[1] for s in started}
        assert len(shapes.split(" or ")) == len(set(shapes.split(" or "))) == len(lengths)
        assert re.fullmatch(r"\(B, [A-Z]\)( or \(B, [A-Z]\))*", shapes)
        told = dict(re.findall(r"(\w+) then starts at ([-+.e\d]+)", starts))
        assert starts.startswith("zero if None") and starts.count(";") == len(told)
        for name, value in started._asdict().items():
            np.testing.assert_array_equal(value, float(told.get(name, "0").rstrip(".")))


def test_as_many_inputs_as_units_only_where_they_are_added(m):
    assert "input_size must be hidden_size" not in m.Params.__doc__


# --- functions ------------------------------------------------------------------------------------


def with_function(*names):
    """Each of the modules with each of the functions that it has."""
    modules = {n: importlib.import_module(f"generated.{n}") for n in VECTORS}
    found = [(n, f) for n, m in modules.items() for f in names if hasattr(m, f)]
    return pytest.mark.parametrize("m, name", found, indirect=["m"])


@with_function("_absolute", "_heaviside", "_relu", "_sigmoid", "_sign", "_softplus", "_step")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_function_s_values_are_of_its_argument_s_dtype(m, name, dtype):
    assert getattr(m, name)(np.array([-1, 0, 2], dtype)).dtype == dtype


@with_function("_relu", "_sigmoid")
def test_a_function_works_in_place(m, name):
    x = np.linspace(-1, 1, 100_000)
    want = getattr(m, name)(x)
    tracemalloc.start()
    try:
        assert getattr(m, name)(x, out=x) is x
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(x, want)
    assert peak < x.nbytes / 2


@with_function("_heaviside")
def test_a_jump_is_half_way_at_zero(m, name):
    np.testing.assert_array_equal(getattr(m, name)(np.array([-3.0, 0.0, 3.0])), [0, 0.5, 1])


# --- sequences that have ended -------------------------------------------------------------------


def test_what_would_overflow_past_the_end_has_no_effect(m):
    """A sequence that never begins, beside long ones: at rest, with weights so large that whatever
    moved it a little, step after step, would make tangents and adjoints explode."""
    T, B = 1500, 2
    run = run_of(m, T=T, B=B, lengths=[1, 0])
    for view in run.params.values():
        view *= 10 if view.ndim == 2 else 0
    rest = m.State(*(0 * s for s in run.state))
    if "n" in m.State._fields:  # a divisor
        rest = rest._replace(n=1 + rest.n)
    d = run.direction()
    results = []
    for steps in (T, 1):
        xs, dys = 0 * run.xs[:steps], run.dys[:steps]
        tape = m.forward(run.params, xs, rest, run.lengths)[2]
        second = m.hvp(run.params, tape, dys, d[0], d[1][:steps], d[2], run.dstate)
        first = m.backward(run.params, tape, dys, run.dstate)
        tangents = m.jvp(run.params, tape, d[0], d[1][:steps], d[2])
        results.append((second[0], second[2], first[0], first[2], tangents[1]))
    for a, b in zip(*map(arrays, results), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12 * (1 + np.abs(b).max()))
