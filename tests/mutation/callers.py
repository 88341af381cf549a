"""The tests of a mutant besides `proof.py` and `tests/test_contract.py`: what a module says and
refuses, what it keeps in files, and what it asks of a tape."""

from __future__ import annotations

import re
from typing import get_type_hints

import numpy as np
import pytest
import reference

from derive.evaluation import inputs
from derive.proof.trial import Trial
from mutation.proof import SPECS, loaded
from mutation.subjects import SUBJECTS


@pytest.mark.parametrize("spec", SPECS)
def test_it_says_what_the_author_said(spec):
    cell, m = loaded(spec)
    assert " ".join(cell.doc.split()) in " ".join(m.__doc__.split())


@pytest.mark.parametrize("spec", SPECS)
def test_shapes_of_inputs_are_documented(spec):
    cell, m = loaded(spec)
    several = len(cell.inputs) > 1
    shape = str(("T", "B", *map(str, cell.input.axes))).replace("'", "")
    assert (f"xs is {shape}" in m.__doc__) == (not several)
    for routine in ("backward", "jvp", "hvp") if several else ():
        assert re.search(r"inputs, Inputs[;.]", " ".join(getattr(m, routine).__doc__.split()))
    for routine in ("forward", "step") if several else ("forward", "step", "backward", "jvp"):
        said = " ".join(getattr(m, routine).__doc__.split())
        for q in cell.inputs:
            axes = ["B"] if routine == "step" else ["T", "B"]
            shape = str((*axes, *map(str, q.axes))).replace("'", "")
            assert (f"{q} {shape}" if several else shape) in said, (routine, q)


@pytest.mark.parametrize("spec", SPECS)
def test_what_only_some_modules_have_is_documented_there(spec):
    cell, m = loaded(spec)
    counts = cell.number is not None
    assert ("first: the number of the first step" in m.forward.__doc__) == counts
    assert ("number: the number of the step" in m.step.__doc__) == counts
    has_segments = SUBJECTS[SPECS.index(spec)].has_segments
    assert ("segment" in m.Tape.__doc__) == has_segments


@pytest.mark.parametrize("spec", SPECS)
def test_a_tape_of_other_parameters_is_refused(spec):
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    T, B = trial.ys.shape[:2]
    sizes = {axis: trial.sizes[axis] for axis in cell.axes}
    told = {axis for q in (*cell.inputs, *cell.states) for axis in q.axes}
    for grown in [set(sizes)] if cell.input_is_wide else [{axis} for axis in told]:
        other = {axis: n + (axis in grown) for axis, n in sizes.items()}
        params = m.Params(*other.values())
        xs = [np.zeros((T, B, *(other[axis] for axis in q.axes))) for q in cell.inputs]
        _, _, tape = m.forward(params, inputs.tupled(m, xs))
        with pytest.raises(ValueError, match=r"^tape\.\S+ has shape"):
            m.backward(trial.point.params, tape, trial.dys)
    small = m.Params(*sizes.values(), np.float32)
    xs = reference.each(lambda x: x.astype(np.float32), trial.point.xs)
    _, _, tape = m.forward(small, xs)
    with pytest.raises(TypeError, match=r"^tape\.\S+ has dtype float32"):
        m.backward(trial.point.params, tape, trial.dys)


@pytest.mark.parametrize("spec", SPECS)
def test_the_fields_of_a_tape_are_of_types_that_there_are(spec):
    cell, m = loaded(spec)
    hints = get_type_hints(m.Tape)
    given = [hints["xs"]] if "xs" in hints else [hints[f"{q}_s"] for q in cell.inputs]
    is_tuple = SUBJECTS[SPECS.index(spec)].has_segments and len(cell.inputs) > 1
    assert set(given) == {m.Inputs if is_tuple else np.ndarray}


@pytest.mark.parametrize("spec", SPECS)
def test_a_state_that_is_none_is_refused(spec):
    cell, m = loaded(spec)
    point = Trial(cell, module=m).point
    many = len(cell.states)
    for wrong in (list(point.state), (*point.state, point.state[0]), point.state[:-1], many):
        with pytest.raises(TypeError, match=f"state must be a State of {many}, not "):
            m.forward(point.params, point.xs, wrong)


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
            said = re.escape(f"xs_dot.{name} has shape {wrong.shape}, but")
            with pytest.raises(ValueError, match=f"^{said}"):
                m.jvp(params, tape, trial.direction().params, several, state)
    for wrong in (xs[0], list(xs), xs[:-1], None):
        with pytest.raises(TypeError, match="must be Inputs"):
            m.forward(params, wrong, state)


@pytest.mark.parametrize("spec", SPECS)
def test_what_are_no_parameters_is_refused(spec):
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    point = trial.point
    _, _, tape = m.forward(point.params, point.xs, point.state)
    for wrong in (
        lambda: m.forward({}, point.xs),
        lambda: m.backward({}, tape, trial.dys),
        lambda: m.jvp({}, tape, point.params),
        lambda: m.hvp({}, tape, trial.dys, point.params),
    ):
        with pytest.raises(TypeError, match=r"^params must be"):
            wrong()


@pytest.mark.parametrize("spec", SPECS)
def test_sizes_are_integers_and_numbers_are_of_three_types(spec):
    cell, m = loaded(spec)
    sizes = [12 if cell.input_is_wide else 12 + n for n in range(len(cell.axes))]
    params = m.Params(*map(np.int64, sizes))
    assert all(type(getattr(params, axis.argument)) is int for axis in cell.axes)
    said = "^dtype must be float64, float32 or complex128, not float16$"
    with pytest.raises(TypeError, match=said):
        m.Params(*sizes, np.float16)


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
