"""Where gradients go: the Jacobian by symbols and by numbers, its product over time, and what is
shown of it.

The oracles: the complex step on the generated `forward`, which never saw a tangent; the derived
blocks, evaluated as matrices by `reference`; and networks so small that the answer is known.
"""

from __future__ import annotations

import csv
import io
import math
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import kept
import numpy as np
import pytest
import reference
import written_cells
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from latex2mathml.converter import convert
from rich.cells import cell_len
from some_cells import every, first, sampled

from derive import cli, library
from derive.adjoint import adjoint
from derive.compiler import module
from derive.display.jacobian import latex, shown
from derive.gradients import plot, samples, train
from derive.gradients.activity import activity, looked_at
from derive.gradients.canvas import apart
from derive.gradients.flow import flow, flow_of
from derive.gradients.plot import PICTURES, small_picture
from derive.gradients.samples import Setup, drawn
from derive.gradients.start import named
from derive.gradients.tables import activity_csv, flow_csv, power
from derive.gradients.trajectory import Trajectory
from derive.gradients.values import values
from derive.jacobian import Along, Bracket, Column, Diagonal, Named, Row, Weights, jacobian, rail
from derive.language import Cell, H, I, Input, Matrix, State, Vector
from derive.nodes import CellError, axes_of
from derive.proof.held import is_declared

ROOT = Path(__file__).parent.parent
TIMES_W = ROOT / "examples" / "times_w.py"
SMALL = Setup(steps=6, units=3, inputs=2, draws=2, seed=1)
WRITTEN = [*written_cells.READABLE, *written_cells.UNPLEASANT, *written_cells.MATRICES]
CELLS = [*map(kept.load, library.names()), *WRITTEN]


def by_name(cells):
    return pytest.mark.parametrize("cell", sampled(cells))


def trajectory(cell, seed=0, steps=4, batch=2):
    """A cell's module at random weights, all of them, not only matrices, on random inputs."""
    made, rng = kept.module(cell), np.random.default_rng(seed)
    params = made.init(rng, *samples.sizes(cell, 2, 3))
    params.flat[:] = rng.standard_normal(params.flat.size) * 0.7
    size = samples.width(cell, params)
    return Trajectory(cell, made, params, rng.standard_normal((steps, batch, size)))


# --- by numbers ----------------------------------------------------------------------------------


@by_name([cell for cell in CELLS if not is_declared(cell.equations)])  # no step finds these
def test_jacobians_are_those_of_the_complex_step(cell):
    """Im f(s + ih)/h, on the generated forward in complex128."""
    along = trajectory(cell)
    found = along.jacobians()
    step = 1e-30
    params = along.module.Params(*along.params._sizes, dtype=np.complex128)
    params.flat[:] = along.params.flat
    for t in range(2, len(along.xs)):  # later than where exact zeros are, and kinks
        for state, part in along.parts.items():
            for k in range(part.stop - part.start):
                moved = {s: v[t].astype(complex) for s, v in along.states.items()}
                moved[state].reshape(len(moved[state]), -1)[:, k] += step * 1j
                start = along.module.State(*moved.values())
                given = along.given(along.xs[t : t + 1])
                given = reference.each(lambda array: array.astype(complex), given)
                _, end, _ = along.module.forward(params, given, start)
                whole = [values.reshape(len(values), -1) for values in end]
                column = np.concatenate(whole, axis=-1).imag / step
                right = found[t - 1, :, :, part.start + k]
                assert np.abs(column - right).max() <= 1e-12 * max(1, np.abs(right).max())


@by_name(CELLS)
def test_what_equations_give_is_what_the_reference_gives(cell):
    along = trajectory(cell)
    starts = {s.name: v[0] for s, v in along.states.items()}
    found = values(along, cell.equations)
    for t, right in enumerate(
        reference.trajectory(cell, along.params, along.given(along.xs), starts)
    ):
        for e in cell.equations:
            own = found[e.lhs][t]
            wanted = right[e.lhs].reshape(own.shape)  # a number is (B, 1) there
            np.testing.assert_allclose(own, wanted, rtol=1e-11, atol=1e-12)
    for state, new in cell.updates.items():
        wanted = along.states[state][1:].reshape(found[new].shape)
        np.testing.assert_allclose(found[new], wanted, rtol=1e-11, atol=1e-12)


def test_many_steps_are_done_in_parts(monkeypatch):
    whole = trajectory(library.load("lstm")).jacobians()
    monkeypatch.setattr("derive.gradients.trajectory.ROWS", 7)
    assert np.array_equal(whole, trajectory(library.load("lstm")).jacobians())


def test_states_that_overflow_are_reported():
    cell, _ = named(f"{TIMES_W}:squash=none,w=1e30", {})
    with pytest.raises(CellError, match="`h` is no longer finite in step 12"):
        flow(cell)


# --- by symbols ----------------------------------------------------------------------------------


class Dense:
    """Blocks as matrices of numbers, at one step of one sequence."""

    def __init__(self, along, t, row):
        self.cell, self.derived = along.cell, adjoint(along.cell)
        self.sizes = {
            a.letter: n for a, n in zip(along.cell.axes, along.params._sizes, strict=True)
        }
        env = {p: along.params[p.name] for p in self.cell.parameters}
        given = reference.given(self.cell, along.given(along.xs))
        env |= {q: array[t, row : row + 1] for q, array in given.items()}
        env |= {s: v[t, row : row + 1] for s, v in along.states.items()}
        self.env = reference.step(self.derived.forward, env, self.sizes, 1)
        self.blocks = {(b.of, b.by): b for b in jacobian(self.derived)}

    def length(self, q):
        return math.prod(self.sizes[axis.letter] for axis in q.axes)

    def block(self, of, by):
        if (of, by) not in self.blocks:
            return np.zeros((self.length(of), self.length(by)))
        matrix = self.sum(self.blocks[of, by].terms, by)
        assert matrix.shape == (self.length(of), self.length(by))
        return matrix

    def sum(self, terms, by):
        first, *others = (self.product(term, by) for term in terms)
        assert all(first.shape == other.shape for other in others)
        return sum(others, start=first)

    def product(self, term, by):
        matrix = np.eye(self.length(by))
        for factor in reversed(term):
            matrix = self.times(factor, matrix, by)
        return matrix

    def along(self, factor, rows):
        """A row or a column along one axis of a matrix of `rows` entries, or that becomes one."""
        v = np.ravel(reference.value(factor.factor.entries, self.env, self.sizes))
        v, other = (
            (v[None], rows // len(v)) if isinstance(factor.factor, Row) else (v[:, None], rows)
        )
        return np.kron(*((v, np.eye(other)) if factor.place == 0 else (np.eye(other), v)))

    def times(self, factor, matrix, by):
        match factor:
            case Weights(weights):
                return reference.value(weights, self.env, self.sizes)[0] @ matrix
            case Named(quantity):
                return self.block(quantity, by)
            case Bracket(terms):
                return self.sum(terms, by) @ matrix
        if isinstance(factor, Along):
            return self.along(factor, len(matrix)) @ matrix
        entries = np.ravel(reference.value(factor.entries, self.env, self.sizes))
        match factor:
            case Diagonal(_, of) if of:
                own = axes_of(factor.entries)
                entries = entries.reshape([self.sizes[a.letter] if a in own else 1 for a in of])
                shape = [self.sizes[a.letter] for a in of]
                return np.broadcast_to(entries, shape).reshape(-1, 1) * matrix
            case Row():
                return np.broadcast_to(entries, len(matrix))[None] @ matrix
            case Column():
                assert len(matrix) == 1
                length = len(entries) if len(entries) > 1 else self.sizes.get("H", 1)
                return np.broadcast_to(entries, length)[:, None] * matrix
            case Diagonal():
                assert len(entries) in (1, len(matrix))
                return entries[:, None] * matrix


@by_name([cell for cell in CELLS if not any(axis.heads for axis in cell.axes)])
def test_blocks_are_the_jacobian(cell):
    """Evaluated as matrices, the derived blocks are what the generated tangents give. Those of a
    cell with heads are one head's, and it has another for each."""
    along = trajectory(cell)
    found = along.jacobians()
    for t, row in ((2, 0), (3, 1)):
        dense = Dense(along, t, row)
        for by, columns in along.parts.items():
            for of, rows in along.parts.items():
                right = found[t - 1, row, rows, columns]
                mine = dense.block(cell.updates[of], by)
                np.testing.assert_allclose(mine, right, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("lstm", {"c": "f"}),
        ("lstm_peephole", {"c": "f"}),  # not what peepholes add to it
        ("lstm_1997", {"c": "1"}),
        ("lstm_coupled", {"c": "f"}),
        ("gru", {"h": "1 - z"}),
        ("gru:reset=after", {"h": "1 - z"}),
        ("minlstm", {"h": "f/(f + i)"}),
        ("fastrnn", {"h": "beta"}),
        ("rhn", {"s": "c_1*c_2"}),
        ("slstm", {"c": "f_stable", "n": "f_stable"}),
        ("unicornn", {"y": "1 - step_size**2", "z": "1"}),
        ("rnn", {}),
        ("star", {}),
        ("indrnn", {}),
    ],
)
def test_rails(name, factors):
    derived = adjoint(library.load(name))
    found = {s.name: str(rail(derived, s)) for s in derived.cell.states}
    assert {name: factor for name, factor in found.items() if factor != "0"} == factors


def terminal(capsys, cell):
    shown.print_jacobian(cell)
    return capsys.readouterr().out


def test_a_path_through_a_matrix_is_no_rail():
    """It mixes the entries, even where no function stands on it."""

    class Linear(Cell):
        x, h = Input(), State()
        W, U, a = Matrix(H, I), Matrix(H, H), Vector(H)

        h_next = U @ h + W @ x + a

    class Leaky(Cell):
        x, h = Input(), State()
        W, U, a = Matrix(H, I), Matrix(H, H), Vector(H)

        h_next = U @ h + W @ x + a * h

    for cell, factor in ((Linear, "0"), (Leaky, "a")):
        assert str(rail(adjoint(cell), cell.states[0])) == factor


def test_the_lstm_s_jacobian_as_it_is_read(capsys):
    text = " ".join(terminal(capsys, library.load("lstm")).split())
    assert "∂c′/∂c = diag(f) " in text
    assert (
        "∂c′/∂h = diag(i ∘ g ∘ (1 − i)) U_i + diag(f ∘ c ∘ (1 − f)) U_f + diag(i ∘ (1 − g²)) U_g"
        in text
    )
    assert "∂h′/∂c = diag(o ∘ (1 − tanh²(c′))) ∂c′/∂c" in text


def test_a_sum_that_is_multiplied_stands_in_brackets(capsys):
    text = " ".join(terminal(capsys, library.load("antisymmetric_rnn")).split())
    assert "(W − 0.1 I − Wᵀ)" in text
    text = " ".join(terminal(capsys, library.load("scrn")).split())
    assert "∂s′/∂s = 0.95 I" in text


def test_what_would_be_written_again_and_again_has_a_name():
    """A deeper network has more blocks, each as long as the others, and not longer ones."""
    blocks = jacobian(adjoint(library.load("rhn:depth=6")))
    assert [str(block.of) for block in blocks] == [*(f"y_{k}" for k in range(1, 6)), "s_next"]
    assert {len(block.terms) for block in blocks} == {4}


@by_name(CELLS)
def test_every_jacobian_can_be_shown(cell, capsys):
    lines = terminal(capsys, cell).splitlines()
    if cell not in written_cells.UNPLEASANT:
        assert max(map(cell_len, lines)) <= 80
        for block in jacobian(adjoint(cell)):
            name = block.of.name.replace("_next", "′")
            assert any(f"∂{name}/∂{block.by} = " in line for line in lines)


@by_name(CELLS)
def test_every_jacobian_is_latex(cell):
    """Read by a reader of LaTeX that is not ours, and never wider than a page's source."""
    text = latex.fragment(cell)
    blocks = text.split(r"\begin{align*}")[2].split(r"\end{align*}")[0]
    convert(blocks.replace("&", " ").replace(r"\\", " "))
    assert not any(0xE000 <= ord(character) <= 0xE002 for character in latex.document(cell))
    for one, other in ("{}", "()"):
        assert blocks.count(one) == blocks.count(other)


# --- over time -----------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [0.5, 0.9, 1.0, 3.0, -2.0])
def test_without_a_function_the_flow_is_w_to_the_k(w):
    """Times 3 at each step: the explosion, exactly."""
    cell, _ = named(f"{TIMES_W}:squash=none,w={w}", {})
    found = flow(cell, replace(SMALL, steps=50))
    expected = np.arange(51) * math.log10(abs(w))
    for curve in (found.whole, found.states["h"], found.rails["h"]):
        np.testing.assert_allclose(curve.log10, [expected, expected], atol=1e-9)
    assert found.whole.factor == pytest.approx(abs(w))
    if abs(w) < 1:
        assert found.whole.half_life == pytest.approx(math.log(0.5) / math.log(abs(w)))
    else:
        assert found.whole.half_life == math.inf


def test_tanh_stops_the_values_and_with_them_the_gradient():
    cell, _ = named(f"{TIMES_W}:w=3", {})
    found = flow(cell)
    assert np.abs(found.sample.trajectories[0].states[cell.states[0]]).max() < 1
    assert found.whole.factor < 0.5


def test_the_flow_is_the_norm_of_the_product():
    """By another way: the Jacobian of many steps at once, by finite differences of forward."""
    found = flow(library.load("lstm"), SMALL)
    for draw, along in enumerate(found.sample.trajectories):
        for k in range(1, SMALL.steps + 1):
            last = len(along.xs)
            start = {s: v[last - k] for s, v in along.states.items()}
            columns = []
            for state, part in along.parts.items():
                for entry in range(part.stop - part.start):
                    ends = []
                    for sign in (1, -1):
                        moved = {s: v.copy() for s, v in start.items()}
                        moved[state][0, entry] += sign * 1e-6
                        at = along.module.State(*moved.values())
                        _, end, _ = along.module.forward(along.params, along.xs[last - k :], at)
                        ends.append(np.concatenate(end, axis=-1)[0])
                    columns.append((ends[0] - ends[1]) / 2e-6)
            product = np.array(columns).T
            right = np.linalg.svd(product)[1][0]
            assert 10 ** found.whole.log10[draw, k] == pytest.approx(right, rel=1e-6)
            c = along.parts[along.cell.states[1]]
            right = np.linalg.svd(product[c, c])[1][0]
            assert 10 ** found.states["c"].log10[draw, k] == pytest.approx(right, rel=1e-6)


def test_the_rail_is_the_product_of_the_forget_gate():
    cell = library.load("lstm")
    found = flow(cell, SMALL)
    for draw, along in enumerate(found.sample.trajectories):
        starts = {s.name: v[0] for s, v in along.states.items()}
        steps = list(reference.trajectory(cell, along.params, along.given(along.xs), starts))
        (f,) = (e.lhs for e in cell.equations if e.lhs.name == "f")
        product = np.ones(SMALL.units)
        for k, env in enumerate(reversed(steps[1:]), start=1):
            product = product * env[f][0]
            assert 10 ** found.rails["c"].log10[draw, k] == pytest.approx(product.max())


def test_derivatives_that_are_not_finite_are_reported():
    """A root of zero, which the first steps of this cell come to, has none."""
    with pytest.raises(CellError, match="derivatives are not finite"):
        flow(written_cells.Unpleasant, SMALL)


@by_name([cell for cell in CELLS if cell is not written_cells.Unpleasant])
def test_every_cell_has_a_flow(cell):
    found = flow(cell, SMALL)
    for curve in (found.whole, *found.states.values(), *found.rails.values()):
        assert curve.log10.shape == (SMALL.draws, SMALL.steps + 1)
        assert not np.isnan(curve.log10).any()
        np.testing.assert_allclose(curve.log10[:, 0], 0, atol=1e-12)
    for curve in found.states.values():  # a block is no larger than the whole
        assert (curve.log10 <= found.whole.log10 + 1e-9).all()


def test_a_large_forget_bias_keeps_the_gradient():
    factors = [flow(named(f"lstm:b_f={b}", {})[0]).whole.factor for b in (-2, 0, 1, 5)]
    assert all(one < other for one, other in pairwise(factors))
    assert factors[0] < 0.7 and factors[-1] > 0.98


def test_norms_beyond_the_range_of_numbers():
    for w, sign in ((1e-9, -1), (1e9, 1)):
        found = flow(named("indrnn:u=0,activation=tanh", {})[0], SMALL)
        assert np.isneginf(found.whole.median[1:]).all() and found.whole.factor == 0
        cell, _ = named(f"{TIMES_W}:squash=none,w={w}", {})
        along = drawn(cell, replace(SMALL, draws=1)).trajectories[0]
        norms = samples.Sample("", [replace(along, xs=np.zeros((60, 1, 3)))])
        assert flow_of(norms).whole.median[-1] == pytest.approx(sign * 9 * 59)


def test_draws_differ_and_seeds_repeat():
    cell = library.load("gru")
    one, again, other = (flow(cell, replace(SMALL, seed=seed)).whole.log10 for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.allclose(one, other)
    assert not np.allclose(one[0], one[1])


# --- trained weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lstm", "scrn", "mut1"])
def test_the_gradient_in_training(name):
    """Of the error by weights and readout, against central differences."""
    cell = library.load(name)
    along = trajectory(cell)
    task, rng = train.Recall(4), np.random.default_rng(0)
    xs = task.inputs(rng, 3, along.xs.shape[-1])
    ys, _, _ = along.module.forward(along.params, xs)
    readout = rng.standard_normal(ys.shape[-1])
    at = (along.module, along.params, readout, xs, xs[0, :, 0])
    error, (by_params, by_readout) = train._gradients(*at)
    assert error == pytest.approx(np.mean((ys[-1] @ readout - xs[0, :, 0]) ** 2))
    for array, gradient in ((along.params.flat, by_params), (readout, by_readout)):
        along_here = rng.standard_normal(array.size)
        errors, start = [], array.copy()
        for sign in (1, -1):
            array[:] = start + sign * 1e-6 * along_here
            errors.append(train._gradients(*at)[0])
        array[:] = start
        assert (errors[0] - errors[1]) / 2e-6 == pytest.approx(gradient @ along_here, rel=1e-5)


def test_adam_s_first_step_has_the_size_of_its_rate():
    array = np.zeros(2)
    train.Adam(array).step(np.array([3.0, -1e-3]))
    np.testing.assert_allclose(array, [-train.RATE, train.RATE], rtol=1e-4)


def test_what_keeps_its_gradient_learns():
    """An LSTM whose forget gate is open recalls; one whose gate is shut does not."""
    errors = {}
    for bias in (3, -3):
        cell, label = named(f"lstm:b_f={bias}", {})
        setup = Setup(steps=10, units=8, draws=1)
        at_first, after = samples.trained(cell, setup, train.Recall(10), 300, label)
        assert (at_first.stage, after.stage) == ("at first", "trained")
        errors[bias] = after.error
        assert at_first.error is None
        if bias == 3:
            assert flow_of(after).whole.median[-1] > -1
    assert errors[3] < 0.02 and errors[-3] > 0.2


def test_training_that_fails_says_so(monkeypatch):
    monkeypatch.setattr(train, "RATE", 1e200)
    cell = named(f"{TIMES_W}:squash=none", {})[0]
    with pytest.raises(CellError, match="no longer a number"):
        samples.trained(cell, SMALL, train.Recall(5), 20)


# --- weights from a file -------------------------------------------------------------------------


def test_weights_from_a_file(tmp_path):
    cell = library.load("lstm_projection")
    along = trajectory(cell)
    np.savez(tmp_path / "w.npz", **along.params)
    found = samples.params_from(tmp_path / "w.npz", cell, along.module)
    assert np.array_equal(found.flat, along.params.flat)
    sample = samples.given(cell, tmp_path / "w.npz", SMALL, "mine")
    assert len(sample.trajectories) == SMALL.draws and sample.label == "mine"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("U_f"), "no parameter `U_f` of lstm"),
        (lambda arrays: arrays.update(U_f=np.zeros((3, 4))), "in what is given for it H is 4"),
        (lambda arrays: arrays.update(U_f=np.zeros(())), "`U_f` has the shape ()"),
        (lambda arrays: arrays.update(U_f=np.array("text")), "'U_f' is not made of numbers"),
        (lambda arrays: arrays.update(U_f=np.array([None])), "no .npz file of arrays of numbers"),
        (lambda arrays: arrays.update(U_q=np.zeros(1)), "no parameter is called 'U_q'"),
    ],
)
def test_weights_that_do_not_fit(tmp_path, change, words):
    cell = library.load("lstm")
    arrays = dict(trajectory(cell).params)
    change(arrays)
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(CellError) as error:
        samples.params_from(tmp_path / "w.npz", cell, module(cell))
    assert words in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no numbers", b"PK\x03\x04 no archive"])
def test_a_file_that_has_no_weights(tmp_path, content):
    (tmp_path / "w.npz").write_bytes(content)
    cell = library.load("rnn")
    with pytest.raises(CellError, match=r"w\.npz is no \.npz file of arrays of numbers"):
        samples.params_from(tmp_path / "w.npz", cell, module(cell))


def test_an_array_alone_is_no_weights(tmp_path):
    np.save(tmp_path / "w.npy", np.zeros(3))
    cell = library.load("rnn")
    with pytest.raises(CellError, match=r"files that end in \.npz, \.json, \.csv"):
        samples.params_from(tmp_path / "w.npy", cell, module(cell))


# --- how cells are named -------------------------------------------------------------------------


def test_options_and_first_values():
    cell, label = named("gru:reset=after,b_z=-2", {"d_n": "0.5"})
    assert cell.initial == {"b_z": -2.0, "d_n": 0.5}
    assert {s.name: s.value for s in cell.options} == {"reset": "after"}
    assert label == "gru d_n=0.5 reset=after b_z=-2"
    assert named("lstm:b_f=5", {"b_f": "0"})[0].initial["b_f"] == 5


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("lstm:b_q=1", "no option and no parameter `b_q`; it has W_i"),
        ("lstm:b_f=much", "`b_f` starts at a number, not 'much'"),
        ("lstm:b_f=nan", "a finite number is needed"),
        ("gru:reset=never", "option `reset` is before or after"),
        ("lstm:b_f", "not a setting"),
    ],
)
def test_names_that_say_nothing(what, words):
    with pytest.raises(CellError) as error:
        named(what, {})
    assert words in str(error.value)


# --- histograms ----------------------------------------------------------------------------------


@by_name(CELLS)
def test_histograms_have_every_value(cell):
    sample = drawn(cell, SMALL)
    found = activity([sample])
    assert len(found.histograms) == len(looked_at(cell)) > 0
    for h in found.histograms:
        (shares,) = h.shares.values()
        assert shares.sum() == pytest.approx(1)
        assert (np.diff(h.edges) > 0).all()


def test_gates_that_are_shut_are_seen():
    found = activity([drawn(named("lstm:b_f=-8,b_o=8", {})[0], SMALL)])
    by = {h.name: h for h in found.histograms}
    assert list(by) == ["i", "f", "g", "o", "c", "h"]
    assert by["f"].is_gate and not by["g"].is_gate
    assert by["f"].closed[""] == 1 and by["o"].open[""] == 1


def test_shares_of_shut_and_open_gates():
    sample = drawn(named("lstm:b_i=2,b_f=-2", {})[0], replace(SMALL, steps=30))
    found = {h.name: h for h in activity([sample]).histograms}
    for name in "if":
        (gate,) = (e.lhs for e in sample.cell.equations if e.lhs.name == name)
        every = np.concatenate(
            [values(along, sample.cell.equations)[gate].ravel() for along in sample.trajectories]
        )
        for share, right in ((found[name].closed, every < 0.1), (found[name].open, every > 0.9)):
            assert share[""] == pytest.approx(right.mean())
    assert 0 < found["f"].closed[""] < 1 and 0 < found["i"].open[""] < 1


# --- tables --------------------------------------------------------------------------------------


def test_the_flow_as_csv():
    found = flow(library.load("lstm"), SMALL, "mine")
    rows = list(csv.DictReader(io.StringIO(flow_csv([found]))))
    assert len(rows) == 4 * (SMALL.steps + 1)
    assert {row["of"] for row in rows} == {"all states", "h", "c", "rail c"}
    last = [r for r in rows if r["of"] == "rail c"][-1]
    assert last["cell"] == "mine" and last["distance"] == str(SMALL.steps)
    assert float(last["log10_median"]) == pytest.approx(found.rails["c"].median[-1], rel=1e-5)
    assert float(last["log10_lower"]) <= float(last["log10_median"]) <= float(last["log10_upper"])


def test_histograms_as_csv():
    found = activity([drawn(library.load("gru"), SMALL)])
    rows = list(csv.DictReader(io.StringIO(activity_csv([found]))))
    z = [float(row["share"]) for row in rows if row["quantity"] == "z"]
    assert sum(z) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("log10", "text"),
    [(0, "1"), (-0.30103, "0.5"), (-26.15, "7.1e-27"), (400.5, "3.2e+400"), (-math.inf, "0"),
     (3.999, "9.98e+03")],
)  # fmt: skip
def test_powers(log10, text):
    assert power(log10) == text


# --- pictures ------------------------------------------------------------------------------------


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(0.01, 3))
@settings(max_examples=60, deadline=None)
def test_labels_are_apart_and_keep_their_order(places, least):
    moved = apart(places, least)
    for one, other in pairwise(sorted(range(len(places)), key=lambda k: places[k])):
        assert moved[other] - moved[one] >= least - 1e-9
    assert np.mean(moved) == pytest.approx(np.mean(places), abs=1e-6)
    if all(b - a >= least for a, b in pairwise(sorted(places))):
        np.testing.assert_allclose(moved, places, atol=1e-9)


def test_labels_with_room_stay():
    assert apart([3.0, 1.0, 2.0], 0.5) == [3.0, 1.0, 2.0]
    assert apart([0.0, 0.0], 1.0) == [-0.5, 0.5]


measured = kept.of_each(drawn)
STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        pytest.param(kind, form, marks=[every] * (k != f))
        for k, kind in enumerate(PICTURES)
        for f, form in enumerate(STARTS)
    ],
)
def test_pictures(kind, form):
    taken = [measured(kept.load(name), SMALL) for name in ("lstm", "indrnn")]
    found = [activity([s]) for s in taken] if kind == "activities" else list(map(flow_of, taken))
    one, two = (PICTURES[kind](found, form) for _ in range(2))
    assert one == two and one.startswith(STARTS[form])
    if form == "svg":
        assert b"lstm" in one and b"indrnn" in one and b"<title>" in one
        assert b"<dc:date>" not in one


@pytest.mark.parametrize("name", first(2, "lstm gru rnn lstm_projection lstm_layer_norm".split()))
def test_the_small_picture(name):
    text = small_picture(flow(library.load(name), plot.SMALL))
    assert all(text.count(f">{other}<") == 1 for other in {"rnn", "lstm", name})
    assert len(text) < 60_000


def test_names_are_not_read_as_formulas_or_markup():
    """A choice may be any word; in a picture it stays one."""
    found = flow(library.load("rnn"), SMALL, label="a$b_f$ <b> & \\frac")
    text = PICTURES["flows"]([found], "svg").decode()
    assert "a$b_f$ &lt;b&gt; &amp; \\frac" in text


# --- the command ---------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(cli.main, ["gradients", *map(str, arguments)])


QUICK = ("--steps", "12", "--units", "4", "--draws", "3")


def test_a_table():
    result = run("rnn", "lstm:b_f=5", TIMES_W, *QUICK)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(cell_len, lines)) <= 80
    for word in ("rnn", "lstm b_f=5", "c, by f alone", "times_w", "half-life"):
        assert any(word in line for line in lines)


def test_trained_and_histograms_in_the_terminal():
    result = run("lstm", "--train", "4", "--iterations", "20", *QUICK)
    assert result.exit_code == 0, result.output
    assert "lstm at first" in result.stdout or "lstm, at first" in result.stdout
    assert "error" in result.stdout
    result = run("lstm", "gru", "--histograms", *QUICK)
    assert result.exit_code == 0 and "█" in result.stdout
    assert max(map(cell_len, result.stdout.splitlines())) <= 80


def test_files(tmp_path):
    outs = [tmp_path / f"flow.{ending}" for ending in ("svg", "png", "pdf", "csv")]
    result = run("gru", "rnn", *QUICK, *(word for out in outs for word in ("-o", out)))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [f"wrote {out}" for out in outs]
    assert all(out.stat().st_size > 500 for out in outs)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lstm", "-o", "flow.gif"], "flow.gif: its ending"),
        (["lstm", "-o", "flow"], "flow: its ending"),
        (["lstm", "rnn", "--weights", str(TIMES_W)], "--weights are those of one cell"),
        (["lstm", "--weights", str(TIMES_W)], "files that end in .npz, .json, .csv"),
        (["lstm", "--weights", "gone.npz"], "gone.npz"),
        (["lstm", "--latex", "-o", "a.svg"], "the Jacobian is printed"),
        (["lstm", "--rails", "--histograms"], "one at a time"),
        (["lstm", "--steps", "0"], "--steps"),
        (["lstmm"], "is it lstm?"),
        (["lstm:b_q=1"], "b_q"),
        ([], "CELL"),
        ([f"{TIMES_W}:squash=none,w=1e30"], "no longer finite"),
    ],
)
def test_bad_input_is_one_line(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.chdir(tmp_path)
    result = run("rnn", *QUICK, "-o", "flow.csv", "-o", "flow.svg")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "pip install 'cellwright[plot]'" in line
    assert list(tmp_path.iterdir()) == []  # nor is the data written that could be
    assert run("rnn", *QUICK, "-o", "flow.csv").exit_code == 0
    assert (tmp_path / "flow.csv").read_text().startswith("cell,stage,of,distance")


def test_the_jacobian_by_the_command():
    result = run("gru", "--latex")
    assert result.exit_code == 0 and r"\operatorname{diag}(1 - z_t)" in result.stdout
    assert r"\documentclass" in run("gru", "--standalone").stdout
    assert "∂h′/∂h = diag(1 − z)" in run("gru", "--jacobian").stdout


def test_the_page_s_pictures_are_there_and_its_commands_are_understood():
    page = (ROOT / "docs" / "gradients.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("derive gradients ")]
    assert len(lines) >= 6
    command = cli.main.commands["gradients"]
    for line in lines:
        words = line.split("#")[0].split()[2:]
        context = command.make_context("gradients", words)
        for path in (path for path in context.params["files"] if path.parts[0] == "docs"):
            text = (ROOT / path).read_text(encoding="utf-8")
            assert all(named(what, {})[1] in text for what in context.params["cells"])
            assert f"]({path.relative_to('docs')})" in page


@every
def test_the_same_bytes_whatever_the_hash(tmp_path):
    written = []
    for seed in ("0", "1"):
        folder = tmp_path / seed
        arguments = [
            "lstm",
            "lstm_layer_norm",
            *QUICK,
            "-o",
            folder / "a.svg",
            "-o",
            folder / "a.csv",
        ]
        subprocess.run(
            [sys.executable, "-W", "error", "-m", "derive", "gradients", *map(str, arguments)],
            cwd=ROOT, check=True, capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
        )  # fmt: skip
        text = latex.document(library.load("lstm_layer_norm"))
        written.append([(folder / "a.svg").read_bytes(), (folder / "a.csv").read_bytes(), text])
    assert written[0] == written[1]


def test_a_rails_factor_is_written_in_the_cells_own_names():
    """Not in those that the normal form gives to what is inside."""
    from test_language import HEAD, define

    cell = define(HEAD + "h_next = sigmoid(W.h @ x) * h\nc_next = 0.9 * c + tanh(h_next)")
    assert flow(cell).factors == {"h": "sigmoid(W_h @ x)", "c": "0.9"}
