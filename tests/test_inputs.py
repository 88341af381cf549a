"""Several inputs, numbers among them, and the number of the step: what a module takes and gives."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import reference
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from javascript import Result, Type, run, text_of

from derive import cli
from derive.display.diagram.chain import unrolled
from derive.display.show import print_cell
from derive.evaluation.trace import trace
from derive.language import (
    Axis,
    Cell,
    H,
    I,
    Input,
    Matrix,
    State,
    StepNumber,
    Vector,
    exp,
    log,
    sigmoid,
    tanh,
)
from derive.library import load
from derive.nodes import CellError
from derive.proof import check, identity, numeric
from derive.proof.trial import Trial

P = Axis("P", "projection_size")


class Several(Cell):
    """Inputs of every shape, in an order of their own."""

    dt = Input(())
    x, below, mask = Input(), Input(P), Input(H)
    h = State()
    W, U, V, b, w = Matrix(H, I), Matrix(H, H), Matrix(H, P), Vector(H), Vector(H)

    old = exp(-dt) * h / dt
    n = tanh(W.n @ x + U.n @ old + V.n @ below + dt * w + b.n)
    h_next = mask * n + (1 - mask) * h


class Counted(Cell):
    """One input, and the number of the step in its equations; called t, as people do."""

    x = Input()
    t = StepNumber()
    h = State()
    W, U, b, w = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    z = sigmoid(W.z @ x + U.z @ h + b.z)
    h_next = z * h + (1 - z) * tanh(W.h @ x + t * w) / t + log(t)


class Alone(Cell):
    """Its one input is a number, and it has no size of its own."""

    x = Input(())
    h = State()
    U, w = Matrix(H, H), Vector(H)

    h_next = tanh(U @ h + w * x)


class Hostile(Cell):
    """Names that generated code has for itself."""

    xs, x, T_, dxs = Input(), Input(()), Input(()), Input(())
    first, dfirst = State(), StepNumber()
    number = Vector(H)
    Inputs, value = Matrix(H, I), Vector(H)

    lengths = tanh(Inputs @ xs + x * value - T_ * first + dxs)
    first_next = lengths / dfirst + number


CELLS = (Several, Counted, Alone, Hostile)
LENGTHS = np.array([5, 2, 0, 1])
PAST = np.arange(5)[:, None] >= LENGTHS


def by_name(cells):
    return pytest.mark.parametrize("cell", cells, ids=lambda cell: cell.name)


@pytest.fixture(scope="module")
def several():
    return Trial(Several)


def forward(trial, xs, **options):
    return trial.module.forward(trial.point.params, xs, trial.point.state, **options)


# --- that it is right ----------------------------------------------------------------------------


@by_name(CELLS)
def test_the_proof(cell):
    for row in check(cell):
        assert row.ok is not False, row


@by_name(CELLS)
def test_the_module_computes_what_the_equations_say(cell):
    trial = Trial(cell)
    params, xs, state = trial.point.params, trial.point.xs, trial.point.state
    ys, final = reference.run(cell, params, xs, state._asdict())
    np.testing.assert_allclose(trial.ys, ys, rtol=1e-12)
    for name, value in final.items():
        np.testing.assert_allclose(getattr(trial.final, name), value, rtol=1e-12)


@by_name(CELLS)
def test_an_input_s_gradient_is_that_of_central_differences(cell):
    """By an oracle that no derivation went into, and on every entry."""
    trial = Trial(cell)
    _, dxs, _ = trial.module.backward(
        trial.point.params, trial.tape, trial.dys, trial.module.State(*trial.dstate)
    )
    step, at = 1e-6, trial.point
    arrays = list(at.xs) if isinstance(at.xs, tuple) else [at.xs]
    found = list(dxs) if isinstance(dxs, tuple) else [dxs]
    for k, array in enumerate(arrays):
        assert found[k].shape == array.shape
        for place in np.ndindex(array.shape):
            losses = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[k][place] += sign * step
                xs = trial.module.Inputs(*moved) if len(moved) > 1 else moved[0]
                ys, final, _ = forward(trial, xs)
                losses.append(sum(np.sum(a * b) for a, b in trial.paired(ys, final)))
            slope = (losses[0] - losses[1]) / (2 * step)
            assert found[k][place] == pytest.approx(slope, rel=1e-6, abs=1e-7)


@by_name([Several, Counted])
def test_a_wrong_slope_by_an_input_is_found(cell, monkeypatch):
    """The proof would be worth nothing if a wrong derivative by an input passed."""
    right = identity.adjoint(cell)
    bar = right.bar[cell.inputs[-1]]
    wrong = tuple(type(e)(e.lhs, 2 * e.rhs, e.order) if e.lhs == bar else e for e in right.backward)
    changed = type(right)(cell, right.forward, wrong, right.bar, right.seed, right.carry)
    monkeypatch.setattr(identity, "adjoint", lambda _: changed)
    proved, what = identity.prove(cell)
    assert not proved and cell.inputs[-1].name in what


@by_name(CELLS)
def test_javascript_gives_the_same(cell):
    trial = Trial(cell, LENGTHS, seed=3)
    at, sizes = trial.point, {a.argument: trial.sizes[a] for a in cell.axes}

    def flat(xs):
        if isinstance(xs, tuple):
            return {k: v.ravel() for k, v in xs._asdict().items()}
        return xs.ravel()

    options = {"B": 4, "state": flat(at.state), "lengths": LENGTHS.tolist()}
    one = reference.at(Trial(cell).point.xs, 0)
    _, there, back, step = run(text_of(cell), [
        ("Params", [sizes, at.params.flat, Type(np.float64)]),
        ("forward", [Result(0), flat(at.xs), options]),
        ("backward", [Result(0), Result(1, ("tape",)), trial.dys.ravel(), flat(trial.dstate)]),
        ("step", [Result(0), flat(one), flat(at.state), *reference.number(cell, 0)]),
    ])  # fmt: skip
    ys, _, tape = trial.run(at)
    np.testing.assert_allclose(there["ys"], ys.ravel(), rtol=1e-12, atol=1e-12)
    dparams, dxs, _ = trial.module.backward(at.params, tape, trial.dys, trial.dstate)
    np.testing.assert_allclose(back["dparams"]["flat"], dparams.flat, rtol=1e-11, atol=1e-11)
    wanted = dxs._asdict() if isinstance(dxs, tuple) else {"": dxs}
    for name, array in wanted.items():
        got = back["dxs"][name] if name else back["dxs"]
        np.testing.assert_allclose(got, array.ravel(), rtol=1e-11, atol=1e-11)
    y, _ = trial.module.step(at.params, one, at.state, *reference.number(cell, 0))
    np.testing.assert_allclose(step["y"], y.ravel(), rtol=1e-12, atol=1e-12)


# --- what a module takes and gives ---------------------------------------------------------------


def test_inputs_are_a_tuple_in_the_order_of_the_cell(several):
    Inputs = several.module.Inputs
    assert Inputs._fields == ("dt", "x", "below", "mask")
    shapes = [array.shape for array in several.point.xs]
    assert shapes == [(5, 4), (5, 4, 2), (5, 4, 5), (5, 4, 3)]
    plain = tuple(several.point.xs)
    np.testing.assert_array_equal(forward(several, plain)[0], several.ys)


def test_every_routine_gives_inputs_where_there_would_be_one_array(several):
    m, at, Inputs = several.module, several.point, several.module.Inputs
    v = several.draw()
    hessian = m.hvp(at.params, several.tape, several.dys, v.params, v.xs, v.state)
    for dxs in (m.backward(at.params, several.tape, several.dys)[1], hessian[1]):
        assert isinstance(dxs, Inputs)
        assert [a.shape for a in dxs] == [a.shape for a in at.xs]


def test_a_direction_left_out_is_zero(several):
    m, at = several.module, several.point
    zeros = m.Inputs(*map(np.zeros_like, at.xs))
    v = several.draw().params
    for one, other in zip(
        m.jvp(at.params, several.tape, v)[1], m.jvp(at.params, several.tape, v, zeros)[1],
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)


def test_a_cell_with_one_input_has_no_inputs():
    for cell in (Counted, Alone, load("lstm")):
        assert not hasattr(Trial(cell).module, "Inputs")


def test_a_tape_and_inputs_are_pickled(several):
    module = reference.module_of(Several)
    xs = module.Inputs(*several.point.xs)
    again = pickle.loads(pickle.dumps(xs))
    np.testing.assert_array_equal(again.dt, xs.dt)


def test_the_caller_s_arrays_stay_as_they_are(several):
    before = [array.copy() for array in several.point.xs]
    forward(several, several.point.xs, lengths=LENGTHS)
    for one, other in zip(before, several.point.xs, strict=True):
        np.testing.assert_array_equal(one, other)


WRONG = {
    "an array": (lambda xs: xs.x, TypeError, "xs must be Inputs(dt, x, below, mask), not ndarray"),
    "a tuple too short": (lambda xs: tuple(xs)[:3], TypeError, "xs must be Inputs(dt, x,"),
    "a number with entries": (
        lambda xs: xs._replace(dt=xs.dt[..., None]), ValueError, "xs.dt has shape (5, 4, 1)"),
    "fewer steps": (lambda xs: xs._replace(x=xs.x[1:]), ValueError, "xs.x has shape (4, 4, 2)"),
    "one sequence": (lambda xs: xs._replace(mask=xs.mask[:, :1]), ValueError, "xs.mask has shape"),
    "too wide": (lambda xs: xs._replace(below=np.zeros((5, 4, 6))), ValueError, "xs.below has"),
    "whole numbers": (
        lambda xs: xs._replace(mask=xs.mask.astype(int)), TypeError, "xs.mask has dtype int64"),
    "nothing": (lambda xs: xs._replace(dt=None), TypeError, "xs.dt has dtype object"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_inputs_is_said(several, what):
    change, error, says = WRONG[what]
    with pytest.raises(error) as caught:
        forward(several, change(several.point.xs))
    assert says in str(caught.value)


@pytest.mark.parametrize("filler", [0.0, np.nan, np.inf, -1e300])
def test_what_stands_past_the_end_does_not_matter(several, filler):
    """And nothing is divided by it: an interval of 0 would be no number."""

    def filled(array):
        array = array.copy()
        array[PAST] = filler
        return array

    xs = reference.each(filled, several.point.xs)
    m, at = several.module, several.point
    with np.errstate(all="raise", under="ignore"):
        ys, final, tape = forward(several, xs, lengths=LENGTHS)
        dparams, dxs, dstate = m.backward(at.params, tape, several.dys, m.State(*several.dstate))
    want, end, tape = forward(several, at.xs, lengths=LENGTHS)
    right = m.backward(at.params, tape, several.dys, m.State(*several.dstate))
    for one, other in [
        (ys, want),
        *zip(final, end, strict=True),
        (dparams.flat, right[0].flat),
        *zip(dxs, right[1], strict=True),
        *zip(dstate, right[2], strict=True),
    ]:
        np.testing.assert_array_equal(one, other)  # fmt: skip
    assert not any(array[PAST].any() for array in dxs)


@by_name([Several, Alone])
def test_no_steps_and_one_sequence(cell):
    trial = Trial(cell)
    m = trial.module
    for where in (np.s_[:0], np.s_[:, :1]):
        xs = reference.at(trial.point.xs, where)
        count = 1 if where == np.s_[:, :1] else 4
        state = m.State(*(s[:count] for s in trial.point.state))
        ys, _, tape = m.forward(trial.point.params, xs, state)
        dxs = m.backward(trial.point.params, tape, np.ones_like(ys))[1]
        both = zip(
            *((a if isinstance(a, tuple) else (a,)) for a in (xs, dxs)), strict=True
        )  # fmt: skip
        assert all(one.shape == other.shape for one, other in both)


# --- the number of the step ----------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_a_sequence_in_two_parts_is_the_whole(cut, first):
    trial = Trial(Counted, module=reference.module_of(Counted))
    m, at = trial.module, trial.point
    whole, end, _ = m.forward(at.params, at.xs, at.state, first=first)
    one, middle, _ = m.forward(at.params, at.xs[:cut], at.state, first=first)
    two, last, _ = m.forward(at.params, at.xs[cut:], middle, first=first + cut)
    np.testing.assert_allclose(np.concatenate([one, two]), whole, rtol=1e-14)
    np.testing.assert_allclose(last.h, end.h, rtol=1e-14)
    state = at.state
    for t, x in enumerate(at.xs):
        y, state = m.step(at.params, x, state, first + t)
        np.testing.assert_allclose(y, whole[t], rtol=1e-13)


def test_each_sequence_may_have_a_number_of_its_own():
    trial = Trial(Counted)
    m, at, first = trial.module, trial.point, np.array([1, 4, 2, 9])
    ys, _, _ = m.forward(at.params, at.xs, at.state, first=first)
    for b, number in enumerate(first):
        state = m.State(at.state.h[b : b + 1])
        alone, _, _ = m.forward(at.params, at.xs[:, b : b + 1], state, first=number)
        np.testing.assert_allclose(ys[:, b], alone[:, 0], rtol=1e-14)


@pytest.mark.parametrize("first", [1.0, "1", None, [1, 2], np.ones((4, 1), int)])
def test_a_number_that_is_none_is_refused(first):
    trial = Trial(Counted)
    with pytest.raises((TypeError, ValueError), match="the number of a step"):
        forward(trial, trial.point.xs, first=first)


def test_what_does_not_read_it_does_not_take_it():
    trial = Trial(Several)
    with pytest.raises(TypeError, match="first"):
        forward(trial, trial.point.xs, first=2)


def test_nothing_is_derived_by_it():
    derived = identity.adjoint(Counted)
    assert Counted.number not in derived.bar
    derived = identity.adjoint(Hostile)
    names = [q.name for q in (*Hostile.quantities, *derived.bar.values())]
    assert len(names) == len(set(names)), "what is derived has names of its own"
    assert numeric.hessian(Trial(Counted)).ok


# --- for people ----------------------------------------------------------------------------------


def test_trace_takes_series_by_name():
    traced = trace(Several, {"x": [1.0, 2.0], "dt": [0.5, 2.0]}, seed=0)
    np.testing.assert_array_equal(traced.values["dt"], [[0.5], [2.0]])
    np.testing.assert_array_equal(traced.values["mask"], np.ones((2, 1, 1)))
    np.testing.assert_array_equal(trace(Counted, [1.0, 1.0], seed=0).values["t"], [[1.0], [2.0]])


@pytest.mark.parametrize("xs, says", [
    ({"y": [1.0]}, "no input is called 'y'; there are dt, x, below, mask"),
    ({"x": [1.0, 2.0], "dt": [1.0, 2.0, 3.0]}, "the series of x has 2 steps, and another has 3"),
    ({"dt": np.ones((2, 2, 2))}, "the series of dt must have shape (T,) or (T, B)"),
])  # fmt: skip
def test_what_is_wrong_with_a_series_is_said(xs, says):
    with pytest.raises(CellError) as caught:
        trace(Several, xs)
    assert says in str(caught.value)


def test_the_command_takes_them_too():
    command = ["trace", "t_lstm", "1", "2", "--input", "dt=0.5 3", "--json"]
    result = CliRunner().invoke(cli.main, command)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["values"]["dt"] == [[0.5], [3.0]]
    for written, says in (("dt", "'dt' gives no series"), ("dt=1,2", "dt is one number a step")):
        result = CliRunner().invoke(cli.main, ["trace", "t_lstm", "1", "--input", written])
        assert result.exit_code == 2 and says in result.stderr


def test_readers_see_them_all(capsys):
    print_cell(Several)
    shown = capsys.readouterr().out
    assert "inputs" in shown and "to the inputs" in shown.replace("\n", " ")
    names = {word.text for word in unrolled(Several, 2).words}
    assert any("," in name for name in names), names


def test_a_cell_without_an_input_of_i_has_no_size_for_it():
    assert [axis.letter for axis in Alone.axes] == ["H"]
    assert Trial(Alone).module.Params(3).hidden_size == 3
