"""The generated cells against transcriptions of their papers, differentiated by PyTorch.

The transcriptions are in `transcriptions.py`, written from papers and published code, apart from
the cells. PyTorch's autograd shares nothing with the derivation here.
"""

from __future__ import annotations

import inspect
import zlib
from functools import partial

import matrix_memories
import numpy as np
import pytest
from transcriptions import CELLS

from derive import compiler
from derive.library import load, names, split

T, B, INPUTS, HIDDEN = 6, 3, 2, 4
RAGGED = [6, 4, 0]  # one runs to the end, one ends early, one does not begin
BOUND = 1e-12  # of the largest entry of each array
NEEDS = "this is what make test-peers installs"
SECOND_ORDER = """
    lstm_layer_norm gru:reset=after slstm nas lem scrn sru rhn lru hgrn rwkv4 lstm_nested rg_lru
    t_lstm gru_d fast_weights:decay=0.8,rate=0.3,rounds=2,eps=0.1
""".split()
OF_LENGTHS = """
    lstm lstm_fgr lstm_projection scrn qrnn intersection_rnn cornn lru linoss rwkv4 lstm_mogrifier
    t_lstm gru_d cfc:shift=true clockwork_rnn
""".split()
SECOND_ORDER += ["gated_deltanet", "rwkv7", "mlstm:eps=0.01", "mamba", "slstm:heads=several"]
OF_LENGTHS += ["slstm:heads=several", *matrix_memories.CELLS]


def test_every_cell_and_every_choice_has_a_transcription():
    missing = [name for name in names() if name not in CELLS]
    for name in set(names()) - set(missing):
        covered = [split(spec)[1] for spec in CELLS if split(spec)[0] == name]
        for option in load(name).options:
            values = {settings.get(option.name, option.default) for settings in covered}
            wanted = set(option.choices)
            if not option.choices and values == {option.default}:
                wanted = {"something else"}  # a number: once, another than the default
            missing += [f"{name}:{option.name}={value}" for value in sorted(wanted - values)]
    assert not missing


class Case:
    """A cell's generated module and its transcription, at one random point."""

    def __init__(self, spec, lengths=None):
        self.torch = pytest.importorskip("torch", reason=NEEDS)
        cell, self.transcription, self.lengths = load(spec), CELLS[spec], lengths
        self.module, self.rng = (
            compiler.module(cell),
            np.random.default_rng(zlib.crc32(spec.encode())),
        )
        self.cell, inputs = cell, HIDDEN if cell.input_is_wide else INPUTS
        sizes = [n for n in inspect.signature(self.module.Params).parameters if n != "dtype"]
        others = iter([5, 7, 8, 3])
        known = {"input_size": inputs, "hidden_size": HIDDEN}
        self.template = self.module.Params(*(known.get(n) or next(others) for n in sizes))
        self.lengths_of = {a: getattr(self.template, a.argument) for a in cell.axes}
        lengths_of = self.lengths_of
        self.shapes = {s.name: (B, *(lengths_of[a] for a in s.axes)) for s in cell.states}
        self.params, self.xs, self.state = self.draw()
        for name in {"n", "den"} & set(self.shapes):  # a sum of positive numbers, to divide by
            positive = 0.5 + np.abs(getattr(self.state, name))
            self.state = self.state._replace(**{name: positive})
        self.lengths_array = None if lengths is None else np.array(lengths)
        self.ys, self.final, self.tape = self.module.forward(
            self.params, self.xs, self.state, self.lengths_array
        )
        self.dys = self.rng.normal(size=self.ys.shape)
        self.dstate = self.draw()[2]
        self.direction = self.draw()

    def draw(self):
        """Random parameters, inputs and states."""
        params = self.template.copy()
        params.flat[:] = 0.7 * self.rng.normal(size=params.flat.size)
        state = self.module.State(*(self.rng.normal(size=s) for s in self.shapes.values()))
        shapes = [(T, B, *(self.lengths_of[a] for a in q.axes)) for q in self.cell.inputs]
        xs = [
            self.rng.normal(size=s) if len(s) > 2 else self.rng.uniform(0.2, 2, s) for s in shapes
        ]
        return params, self.module.Inputs(*xs) if len(xs) > 1 else xs[0], state

    def tensors(self, params, xs, state):
        """A point or a direction as one flat tuple of tensors: parameters, inputs, states."""
        return tuple(self.torch.tensor(a) for a in (*params.values(), *several(xs), *state))

    def run(self, *flat):
        """The transcription, step by step: the outputs, then the final states."""
        first, count = len(self.params), len(self.cell.inputs)
        p = dict(zip(self.params, flat[:first], strict=True))
        xs = flat[first : first + count]
        state = dict(zip(self.shapes, flat[first + count :], strict=True))
        ys = []
        for t in range(T):
            x = (*(array[t] for array in xs), *([t + 1] if self.cell.number else []))
            y, new = self.transcription(p, x if len(x) > 1 else x[0], state)
            assert set(new) == set(state)
            if self.lengths is not None:
                runs = self.torch.tensor([t < length for length in self.lengths])
                y = self.torch.where(along(runs, y), y, 0.0)
                new = {k: self.torch.where(along(runs, v), v, state[k]) for k, v in new.items()}
            state = new
            ys.append(y)
        return (self.torch.stack(ys), *state.values())

    def loss(self, *flat):
        weights = [self.torch.tensor(w) for w in (self.dys, *self.dstate)]
        return sum((a * w).sum() for a, w in zip(self.run(*flat), weights, strict=True))

    def backward(self):
        return self.module.backward(self.params, self.tape, self.dys, self.dstate)

    def labels(self, what):
        return [f"{what} {n}" for n in (*self.params, *self.cell.inputs, *self.shapes)]


def several(xs):
    """The inputs as a tuple, where there is one as well."""
    return xs if isinstance(xs, tuple) else (xs,)


def along(runs, like):
    """A value for each sequence, as it fits an array that begins with these."""
    return runs.reshape(-1, *[1] * (like.dim() - 1))


def agree(labels, ours, theirs):
    """Every pair within the bound of what PyTorch says; all that are not, at once."""
    wrong, worst = {}, 0.0
    for label, one, other in zip(labels, ours, theirs, strict=True):
        other = other.detach().numpy()
        assert one.shape == other.shape, label
        scale = max(float(np.abs(other).max(initial=0)), 1e-300)
        error = float(np.abs(one - other).max(initial=0)) / scale
        worst = max(worst, error)
        if not error <= BOUND:
            wrong[label] = error
    assert not wrong, wrong
    return worst


def check(case):
    """Outputs, final states and every gradient; the largest error."""
    flat = [a.requires_grad_() for a in case.tensors(case.params, case.xs, case.state)]
    outs = case.run(*flat)
    names = ["ys", *(f"final {k}" for k in case.shapes)]
    worst = agree(names, (case.ys, *case.final), outs)
    # An initial state that nothing looks at has a gradient of zero, not none.
    gradients = case.torch.autograd.grad(case.loss(*flat), flat, materialize_grads=True)
    dparams, dxs, dstate = case.backward()
    ours = (*dparams.values(), *several(dxs), *dstate)
    return max(worst, agree(case.labels("gradient by"), ours, gradients))


@pytest.mark.peers
@pytest.mark.parametrize("spec", CELLS)
def test_outputs_states_and_gradients(spec):
    check(Case(spec))


@pytest.mark.peers
@pytest.mark.parametrize("spec", OF_LENGTHS)
def test_sequences_of_different_lengths(spec):
    check(Case(spec, RAGGED))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")  # PyTorch's own
@pytest.mark.parametrize("spec", SECOND_ORDER)
def test_jvp(spec):
    case = Case(spec)
    point, direction = case.tensors(case.params, case.xs, case.state), case.tensors(*case.direction)
    _, theirs = case.torch.func.jvp(case.run, point, direction)
    ys_dot, state_dot = case.module.jvp(case.params, case.tape, *case.direction)
    labels = ["ys_dot", *(f"final {k}" for k in case.shapes)]
    agree(labels, (ys_dot, *state_dot), theirs)


@pytest.mark.peers
@pytest.mark.parametrize("spec", SECOND_ORDER)
def test_hvp(spec):
    case = Case(spec)
    flat = [a.requires_grad_() for a in case.tensors(case.params, case.xs, case.state)]
    first = case.torch.autograd.grad(
        case.loss(*flat), flat, create_graph=True, materialize_grads=True
    )
    along = sum((g * v).sum() for g, v in zip(first, case.tensors(*case.direction), strict=True))
    theirs = case.torch.autograd.grad(along, flat, materialize_grads=True)
    dparams, dxs, dstate = case.module.hvp(
        case.params, case.tape, case.dys, *case.direction, dstate=case.dstate
    )
    agree(case.labels("hvp by"), (*dparams.values(), *several(dxs), *dstate), theirs)


@pytest.mark.peers
def test_what_the_delta_rule_erases_has_decayed_before():
    """RWKV-7 is the other way round: the two cells' transcriptions differ in this alone."""
    case = Case("gated_deltanet")
    case.transcription = partial(matrix_memories.gated_deltanet, late=True)
    with pytest.raises(AssertionError, match="final S"):
        check(case)


@pytest.mark.peers
def test_rwkv6_reads_before_it_writes():
    def late(p, x, s):
        _, state = matrix_memories.rwkv6(p, x, s)
        return matrix_memories.read(state["S"], matrix_memories.heads(p["W_r"], x)), state

    case = Case("rwkv6")
    case.transcription = late
    with pytest.raises(AssertionError, match="ys"):
        check(case)


@pytest.mark.peers
@pytest.mark.parametrize("spec", ["mlstm", "mlstm:eps=0.01"])
def test_the_stabiliser_has_a_gradient_where_the_divisor_has_an_epsilon(spec):
    """It cancels in the outputs, so that nothing is learnt by way of it, unless eps keeps it in."""

    case = Case(spec)
    case.transcription = partial(matrix_memories.CELLS[spec], held=True)
    case.dstate = type(case.dstate)(*(0 * d for d in case.dstate))
    flat = [a.requires_grad_() for a in case.tensors(case.params, case.xs, case.state)]
    theirs = case.torch.autograd.grad(case.loss(*flat), flat, materialize_grads=True)
    dparams, _, _ = case.backward()
    both = zip(dparams.values(), theirs, strict=False)
    worst = max(np.abs(a - b.numpy()).max() / np.abs(a).max() for a, b in both)
    assert worst <= BOUND if spec == "mlstm" else worst > 1e-6


@pytest.mark.peers
def test_two_shares_exchanged_do_not_agree():
    def exchanged(p, x, s):
        h = CELLS["ligru"](p, x, s)[0]
        z = (x @ p["W_z"].T + s["h"] @ p["U_z"].T + p["b_z"]).sigmoid()
        n = (h - z * s["h"]) / (1 - z)
        h = (1 - z) * s["h"] + z * n
        return h, {"h": h}

    case = Case("ligru")
    case.transcription = exchanged
    with pytest.raises(AssertionError, match="final h"):
        check(case)
