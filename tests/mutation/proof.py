"""The tests of a mutant besides `tests/test_contract.py`: the module computes what the cell's
equations say, and passes `derive check`'s proof by numbers. `runner.py` runs them."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import reference

from derive.entries import PLACE
from derive.proof import numeric
from derive.proof.trial import Trial
from mutation.subjects import SUBJECTS

SPECS = [str(subject) for subject in SUBJECTS]
PROOFS = [
    numeric.dot_product,
    numeric.hessian,
    numeric.step,
    numeric.taylor,
    numeric.complex_step,
]


def loaded(spec):
    """The cell, and the module of it that is there at the moment."""
    subject = SUBJECTS[SPECS.index(spec)]
    module = importlib.import_module(f"generated.{subject.name}")
    if subject.has_segments:
        module._WORTH = 1  # segments of √T steps, however few
    return subject.cell, module


@pytest.mark.parametrize("spec", SPECS)
def test_it_computes_what_the_equations_say(spec):
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    params, xs, state = trial.point.params, trial.point.xs, trial.point.state
    want, end = reference.run(cell, params, xs, state._asdict())
    ys, final, _ = m.forward(params, xs, state)
    np.testing.assert_allclose(ys, want, rtol=1e-9, atol=1e-9)
    for name, array in end.items():
        np.testing.assert_allclose(getattr(final, name), array, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
def test_numbers(proof, spec):
    cell, m = loaded(spec)
    outcome = proof(Trial(cell, module=m))
    assert outcome.ok, f"{proof.__name__}: {outcome.figure} {outcome.remark}"


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_start_as_the_equations_say(spec):
    """Matrices by Glorot's rule, those of each head by themselves; others as they are declared."""
    cell, m = loaded(spec)
    lengths = {axis: 12 if cell.input_is_wide else 12 + n for n, axis in enumerate(cell.axes)}
    params = m.init(np.random.default_rng(0), *lengths.values())
    letters = {axis.letter: n for axis, n in lengths.items()}
    for q in cell.parameters:
        view, formula = params[q.name], cell.entries.get(q.name)
        if formula is not None:
            places = dict(zip(PLACE, np.indices(view.shape, float), strict=False))
            env = {place: index.ravel() for place, index in places.items()}
            want = reference.value(formula, env, letters)
            np.testing.assert_allclose(view.ravel(), np.broadcast_to(want.ravel(), view.size))
        elif q in cell.matrices:
            bound = np.sqrt(6 / sum(view.shape[-2:]))
            assert -bound <= view.min() < -0.9 * bound and 0.9 * bound < view.max() <= bound
        else:
            assert np.all(view == cell.initial.get(q.name, 0))


@pytest.mark.parametrize("spec", SPECS)
def test_a_direction_that_is_left_out_is_zero(spec):
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    point, along = trial.point, trial.direction()
    _, _, tape = m.forward(point.params, point.xs, point.state)
    zeros = reference.each(np.zeros_like, along.xs), m.State(*map(np.zeros_like, along.state))
    one = m.jvp(point.params, tape, along.params)
    other = m.jvp(point.params, tape, along.params, *zeros)
    np.testing.assert_array_equal(one[0], other[0])
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)
    one = m.hvp(point.params, tape, trial.dys, along.params)
    other = m.hvp(point.params, tape, trial.dys, along.params, *zeros)
    np.testing.assert_array_equal(one[0].flat, other[0].flat)


class Like:
    """What NumPy takes for an array, and is none."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)


@pytest.mark.parametrize("spec", SPECS)
def test_what_numpy_takes_for_an_array_will_do(spec):
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    point, along = trial.point, trial.direction()

    def found(like):
        def state(some):
            return m.State(*map(like, some))

        xs, xs_dot = (reference.each(like, some) for some in (point.xs, along.xs))
        ys, final, tape = m.forward(point.params, xs, state(point.state))
        dparams, dxs, dstate = m.backward(point.params, tape, like(trial.dys), state(trial.dstate))
        moved = m.jvp(point.params, tape, along.params, xs_dot, state(along.state))
        curved = m.hvp(
            point.params, tape, like(trial.dys), along.params, xs_dot, state(along.state)
        )
        for some in (dxs, curved[1]):
            yield from some if isinstance(some, tuple) else [some]
        yield from (ys, *final, dparams.flat, *dstate, moved[0], *moved[1], curved[0].flat)

    for one, other in zip(found(Like), found(np.asarray), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("spec", SPECS)
def test_a_state_that_is_left_out_is_where_it_starts(spec):
    cell, m = loaded(spec)
    point = Trial(cell, module=m).point
    start = m.State(*(
        np.full_like(array, cell.starts.get(s.name, 0))
        for s, array in zip(cell.states, point.state, strict=True)
    ))  # fmt: skip
    wanted, found = (m.forward(point.params, point.xs, *given)[:2] for given in ([start], []))
    np.testing.assert_array_equal(found[0], wanted[0])
    for one, other in zip(found[1], wanted[1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("spec", [str(s) for s in SUBJECTS if len(s.cell.inputs) > 1])
def test_inputs_past_an_end_do_not_matter(spec):
    """And each has a derivative of its own shape, in the order in which they were declared."""
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    params, xs, state = trial.point.params, trial.point.xs, trial.point.state
    assert xs._fields == tuple(map(str, cell.inputs)) and "Inputs" in m.forward.__doc__
    T, B = xs[0].shape[:2]
    lengths = np.arange(B) % (T + 1)
    past = np.arange(T)[:, None] >= lengths
    spoilt = m.Inputs(*(x.copy() for x in xs))
    for x in spoilt:
        x[past] = np.nan
    found = []
    for some in (xs, spoilt):
        ys, final, tape = m.forward(params, some, state, lengths=lengths)
        dparams, dxs, dstate = m.backward(params, tape, trial.dys, final)
        assert [d.shape for d in dxs] == [x.shape for x in some]
        found.append([ys, *final, dparams.flat, *dxs, *dstate])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
