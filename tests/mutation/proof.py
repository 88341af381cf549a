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
    cell = SUBJECTS[SPECS.index(spec)].cell
    return cell, importlib.import_module(f"generated.{cell.name}")


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
def test_it_says_what_the_author_said(spec):
    cell, m = loaded(spec)
    assert " ".join(cell.doc.split()) in " ".join(m.__doc__.split())


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
def test_shapes_of_inputs_are_documented(spec):
    cell, m = loaded(spec)
    several = len(cell.inputs) > 1
    for routine in ("forward", "step") if several else ("forward", "step", "backward", "jvp"):
        said = " ".join(getattr(m, routine).__doc__.split())
        for q in cell.inputs:
            axes = ["B"] if routine == "step" else ["T", "B"]
            shape = str((*axes, *map(str, q.axes))).replace("'", "")
            assert (f"{q} {shape}" if several else shape) in said, (routine, q)


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


@pytest.mark.parametrize("spec", SPECS)
def test_a_state_that_is_none_is_refused(spec):
    cell, m = loaded(spec)
    point = Trial(cell, module=m).point
    many = len(cell.states)
    for wrong in (list(point.state), (*point.state, point.state[0]), point.state[:-1], many):
        with pytest.raises(TypeError, match=f"state must be a State of {many}, not "):
            m.forward(point.params, point.xs, wrong)


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


@pytest.mark.parametrize("spec", [str(s) for s in SUBJECTS if len(s.cell.inputs) > 1])
def test_inputs_that_do_not_go_together_are_refused(spec):
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    params, xs, state = trial.point.params, trial.point.xs, trial.point.state
    _, _, tape = m.forward(params, xs, state)
    for k, name in enumerate(xs._fields):
        for wrong in (xs[k][:-1], xs[k][:, :-1], xs[k][..., None]):
            several = xs._replace(**{name: wrong})
            with pytest.raises(ValueError, match=r"^xs\.\w+ has shape"):
                m.forward(params, several, state)
            with pytest.raises(ValueError, match=r"^xs_dot\.\w+ has shape"):
                m.jvp(params, tape, trial.direction().params, several, state)
    for wrong in (xs[0], list(xs), xs[:-1], None):
        with pytest.raises(TypeError, match="must be Inputs"):
            m.forward(params, wrong, state)


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_are_compared(spec):
    cell, m = loaded(spec)
    params = Trial(cell, module=m).point.params
    other = params.copy()
    assert params == other and params == dict(params)
    other.flat[-1] += 1
    assert params != other and params != {} and params != {**params, "another": 1}
    with pytest.raises(TypeError, match="unhashable"):
        hash(params)


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_in_a_file_are_those_of_the_cell(spec, tmp_path):
    cell, m = loaded(spec)
    params = Trial(cell, module=m).point.params
    path = tmp_path / "params.npz"
    params.save(path)
    assert m.Params.load(path) == params
    there = dict(np.load(path))
    needed = ", ".join(params)
    for some, said in (
        ({k: v for k, v in there.items() if k != "_sizes"}, needed),
        ({"_sizes": there["_sizes"]}, "none"),
        (there | {"another": params.flat}, f"{needed}, another"),
    ):
        np.savez(path, **some)
        with pytest.raises(ValueError) as caught:
            m.Params.load(path)
        assert str(caught.value) == f"{path} has the parameters {said}, but {needed} are needed"


@pytest.mark.parametrize("spec", SPECS)
def test_what_the_module_made_before_it_was_reloaded_will_do(spec, monkeypatch):
    """It is told by its names: the class is another one then."""
    cell, m = loaded(spec)
    point = Trial(cell, module=m).point
    wanted, _, _ = m.forward(point.params, point.xs, point.state)
    own = type("Own", (m.Params,), {})(*point.params._sizes)
    own.flat = point.params.flat
    assert np.array_equal(m.forward(own, point.xs, point.state)[0], wanted)
    monkeypatch.setattr(m, "Params", named_as(m.Params, "Params"))
    assert np.array_equal(m.forward(point.params, point.xs, point.state)[0], wanted)
    monkeypatch.setattr(m, "Params", named_as(m.Params, "Others"))
    with pytest.raises(TypeError, match="params must be"):
        m.forward(point.params, point.xs, point.state)


def named_as(kind, name):
    """Another class with the same members, under a name."""
    made = type(name, (), {**vars(kind), "__qualname__": name})
    made.__module__ = kind.__module__
    return made


@pytest.mark.parametrize("spec", [str(s) for s in SUBJECTS if s.cell.number])
def test_numbers_of_steps_that_are_none_are_refused(spec):
    cell, m = loaded(spec)
    point = Trial(cell, module=m).point
    for kind, some in ((TypeError, (1.0, "1")), (ValueError, ([1, 2, 3], np.ones((2, 2), int)))):
        for wrong in some:
            with pytest.raises(kind, match="the number of a step"):
                m.forward(point.params, point.xs, point.state, first=wrong)


@pytest.mark.parametrize("spec", [str(s) for s in SUBJECTS if s.is_wide])
def test_sizes_that_the_cell_cannot_have_are_refused(spec):
    params = loaded(spec)[1].Params
    said = "as many inputs as it has units: input_size 2 must be hidden_size 3"
    with pytest.raises(ValueError, match=said):
        params(2, 3)
    assert "input_size must be hidden_size" in params.__doc__
