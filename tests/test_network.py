"""Networks: layers of cells, both directions, random masks, an output and its loss.

The oracles: the modules of the single cells, put together here by hand; the equations, evaluated
apart (`derive.proof.network`); closed forms of the losses; and, where it is installed, PyTorch.
"""

from __future__ import annotations

import ast
import copy
import json
import os
import pickle
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import kept
import networks
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from networks import NETWORKS, Memories, Plain, Steep, Streaming, Tagger
from some_cells import every, first

import derive
from derive import cli, compiler, library
from derive.backends.numpy.network import NetworkModule
from derive.backends.numpy.words import FUNCTIONS
from derive.backends.numpy.words import NETWORK as WORDS
from derive.language import Cell, I, Input, Matrix, State, absolute, surrogate, tanh, where
from derive.language import Output as CellOutput
from derive.network import Bidirectional, Dropout, H, Layer, Network, Output, load
from derive.network.cells import losses
from derive.nodes import CellError
from derive.proof import check, parts
from derive.proof.network import face, rows

ROOT = Path(__file__).parent.parent
T, B = 6, 4
LENGTHS = np.array([T, 3, 0, 1])
RATE, SEED = 0.5, 7

single = cache(lambda name: derive.module(library.load(name)))


module_of = kept.module
by_name = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)


def made(**declarations):
    """A network of these layers, as a class statement makes it."""
    meta = type(Network)
    body = meta.__prepare__("Made", (Network,))
    for name, declaration in declarations.items():
        body[name] = declaration
    return meta("Made", (Network,), body)


def sizes(module):
    """Small sizes for the arguments of Params."""
    asked = module.Params.__init__.__code__.co_varnames
    return [2 + k for k in range(asked.index("dtype") - 1)]


def drawn(module, *given, lengths=None, T=T, B=B, seed=SEED, dtype=np.float64):
    """Parameters, inputs, a state, and the derivatives of a loss by outputs and last state."""
    rng = np.random.default_rng(seed)
    params = module.Params(*(given or sizes(module)), dtype=dtype)
    params.flat[:] = 0.5 * rng.standard_normal(params.flat.size)
    xs = rng.standard_normal((T, B, params.input_size)).astype(dtype)
    zero = module.forward(params, xs[:0])[1]
    state = as_state(zero, lambda a: rng.standard_normal(a.shape).astype(dtype))
    ys, last, _ = module.forward(params, xs, state, lengths)
    dys = rng.standard_normal(ys.shape).astype(dtype)
    return (
        params,
        xs,
        state,
        dys,
        as_state(last, lambda a: rng.standard_normal(a.shape).astype(dtype)),
    )


def as_state(state, change):
    """A state with every array changed."""
    return type(state)(*(type(part)(*map(change, part)) for part in state))


def reversed_(array, lengths):
    """Each sequence from its end to its beginning."""
    result = array.copy()
    for b, n in enumerate(lengths):
        result[:n, b] = array[:n, b][::-1]
    return result


def near(one, other, bound=1e-13):
    assert np.shape(one) == np.shape(other)
    scale = max(1.0, np.abs(other).max(initial=0))
    assert np.abs(np.subtract(one, other)).max(initial=0) <= bound * scale


# --- the proof ------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", first(1, NETWORKS))
def test_the_proof(network):
    rows = check(network)
    assert all(row.ok for row in rows), [row for row in rows if not row.ok]
    names = [row.name for row in rows]
    assert names.count("identity") == len(network.cells)
    assert ("loss" in names) == (network.loss is not None)
    assert ("step" in names) == network.is_streaming


class Spiking(Cell):
    """A neuron whose spike has a derivative that is declared."""

    x, v = Input(), State()
    W = Matrix(H, I)

    u = v + W.u @ x
    spike = CellOutput(surrogate(where(u > 1, 1, 0), u / (1 + absolute(u))))
    v_next = u - spike


class Spikes(Network):
    """Of such neurons."""

    spikes = Layer(Spiking, 3)
    y = Output(2, "squared_error")


def test_what_differences_of_values_cannot_show_is_not_run():
    found = {row.name: row for row in check(Spikes)}
    left = {name for name, row in found.items() if row.ok is None}
    assert left == {"complex step", "finite differences", "Taylor", "Hessian"}
    assert all(row.ok for name, row in found.items() if name not in left)
    assert all("spiking: a derivative is declared" in found[name].remark for name in left)


WRONG = {
    "equations": [
        ("_reversed(words_backward, order)", "words_backward"),
        ("_reversed(xs, order)", "xs"),
        ("drop = _dropped(words, masks.drop)", "drop = words"),
        (
            "(drop, masks.sentence_h, masks.sentence_c)",
            "(drop, masks.sentence_c, masks.sentence_h)",
        ),
        ("np.concatenate([words_forward,", "np.concatenate([1.001 * words_forward,"),
        ("1 - 0.1, dtype", "1 - 0.2, dtype"),
        ("past, steps, last - steps", "past, steps, T - 1 - steps"),
        (
            "return ys, State(words_forward_state, words",
            "return ys, State(words_backward_state, words",
        ),
    ],
    "complex step": [
        ("dwords = _dropped(ddrop, tape.masks.drop)", "dwords = ddrop"),
        ("dxs = dxs + _reversed(dxs_back, order)", "dxs = dxs + dxs_back"),
        ("dwords_backward = _reversed(dwords_backward, order)", "pass"),
        ("dstate.words_backward,\n        dlayers", "dstate.words_forward,\n        dlayers"),
        ('dlayers["words_backward"],', 'dlayers["words_forward"],'),
    ],
    "dot product": [
        ("drop_dot = _dropped(words_dot, tape.masks.drop)", "drop_dot = words_dot"),
        ("_reversed(words_backward_dot, order)", "words_backward_dot"),
    ],
    "Hessian": [
        ("dwords_dot = _dropped(ddrop_dot, tape.masks.drop)", "dwords_dot = ddrop_dot"),
        ("dxs_dot = dxs_dot + _reversed(dxs_back_dot, order)", "pass"),
    ],
    "loss": [
        ("share = weights / (total if total else 1)", "share = weights"),
        ("ys, T, B", "ys, T, B"),
        ("counts = weights != 0", "counts = weights == 0"),
    ],
}


@cache
def tagger_text():
    (text,) = derive.generate(Tagger).values()
    return text


@pytest.mark.parametrize(
    ("row", "right", "wrong"),
    [
        pytest.param(row, *pair, marks=[every] * (n > 1))
        for row, pairs in WRONG.items()
        for n, pair in enumerate(pairs)
        if pair[0] != pair[1]
    ],
)
def test_the_proof_fails_for_what_is_wrong(monkeypatch, row, right, wrong):
    text = tagger_text()
    assert right in text
    monkeypatch.setattr(
        compiler, "generate", lambda *_, **__: {"tagger.py": text.replace(right, wrong)}
    )
    (part,) = (part for part in parts(Tagger) if part.name == row)
    assert part.row().ok is False


def test_a_wrong_step_is_noticed(monkeypatch):
    (text,) = derive.generate(Streaming).values()
    assert '_step(layers["first"], (drop, masks.first_c[0])' in text
    wrong = text.replace("(drop, masks.first_c[0])", "(drop, 0 * masks.first_c[0])")
    monkeypatch.setattr(compiler, "generate", lambda *_, **__: {"streaming.py": wrong})
    (part,) = (part for part in parts(Streaming) if part.name == "step")
    assert part.row().ok is False


# --- against the modules of the single cells ------------------------------------------------------


class Stack(Network):
    """Two layers in both directions, and one above them."""

    first = Bidirectional("lstm", 3)
    second = Bidirectional("gru", 4)
    third = Layer("lstm_peephole", 2)


def by_hand(params, xs, state, dys, dstate, lengths):
    """What forward and backward of `Stack` give, from the modules of its cells."""
    cells = {"first": single("lstm"), "second": single("gru"), "third": single("lstm_peephole")}
    tapes, given, last = {}, xs, {}
    for name, cell in cells.items():
        outs = []
        for way in ("_forward", "_backward") if name != "third" else ("",):
            own = cell.Params(given.shape[2], params.parts[name + way].hidden_size)
            own.flat[:] = params.parts[name + way].flat
            turned = reversed_(given, lengths) if way == "_backward" else given
            first = cell.State(*getattr(state, name + way))
            ys, last[name + way], tape = cell.forward(own, turned, first, lengths)
            tapes[name + way] = own, tape
            outs.append(reversed_(ys, lengths) if way == "_backward" else ys)
        given = np.concatenate(outs, axis=-1)
    ys, gradients, begun, back = given, {}, {}, dys
    for name, cell in reversed(cells.items()):
        ways = ("_forward", "_backward") if name != "third" else ("",)
        below = 0
        for way, part in zip(ways, np.split(back, len(ways), axis=-1), strict=True):
            own, tape = tapes[name + way]
            turned = reversed_(part, lengths) if way == "_backward" else part
            ends = cell.State(*getattr(dstate, name + way))
            dparams, dgiven, begun[name + way] = cell.backward(own, tape, turned, ends)
            gradients[name + way] = dparams.flat
            below = below + (reversed_(dgiven, lengths) if way == "_backward" else dgiven)
        back = below
    return ys, last, gradients, back, begun


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "ragged"])
def test_it_is_its_cells_put_together(lengths):
    module = module_of(Stack)
    params, xs, state, dys, dstate = drawn(module, 2, lengths=lengths)
    ends = [T] * B if lengths is None else lengths
    dys[np.arange(T)[:, None] >= ends] = 0
    want, last, gradients, dxs, begun = by_hand(params, xs, state, dys, dstate, np.array(ends))
    ys, final, tape = module.forward(params, xs, state, lengths)
    near(ys, want)
    for name, part in last.items():
        for one, other in zip(getattr(final, name), part, strict=True):
            near(one, other)
    dparams, mine, first = module.backward(params, tape, dys, dstate)
    near(mine, dxs)
    for name in params.parts:
        near(dparams.parts[name].flat, gradients[name])
        for one, other in zip(getattr(first, name), begun[name], strict=True):
            near(one, other)


def test_a_cell_that_two_layers_have_stands_once():
    text = compiler.generate(made(a=Layer("gru", 3), b=Layer("gru", 4), c=Bidirectional("gru", 2)))
    (text,) = text.values()
    assert text.count("def _gru_forward(") == text.count("class _GRU(") == 1
    assert "r = sigmoid" in text and text.count("r = sigmoid(W_r @ x + U_r @ h + b_r)") == 1


def test_the_same_cell_with_other_options_is_another():
    (text,) = compiler.generate(Memories).values()
    assert "def _gru_forward(" in text and "def _gru__forward(" in text


# --- the losses -----------------------------------------------------------------------------------


def pinball(ys, targets, levels):
    above = targets[..., None] - ys.reshape(*targets.shape, len(levels))
    return np.where(above > 0, levels * above, (np.array(levels) - 1) * above).sum((-1, -2))


def negative_log(ys, targets):
    p = np.exp(ys) / np.exp(ys).sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, targets[..., None], -1)[..., 0])


def some_loss(loss, size, **values):
    return module_of(made(a=Layer("rnn", 3), out=Output(size, loss, **values)))


RNG = np.random.default_rng(3)
LOSSES = {
    "squared_error": (5, {}, RNG.standard_normal((T, B, 5)),
                      lambda ys, targets: 0.5 * ((ys - targets) ** 2).sum(-1)),
    "cross_entropy": (4, {}, RNG.integers(0, 4, (T, B)), negative_log),
    "quantile": (2, {"level": (0.1, 0.5, 0.9)}, RNG.standard_normal((T, B, 2)),
                 lambda ys, targets: pinball(ys, targets, [0.1, 0.5, 0.9])),
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "ragged"])
@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_are_their_closed_forms_over_the_steps_that_there_are(name, lengths, weighted):
    size, values, targets, closed = LOSSES[name]
    module = some_loss(name, size, **values)
    width = size * len(values.get("level", "1"))
    ys = np.random.default_rng(1).standard_normal((T, B, width))
    weights = np.random.default_rng(2).uniform(0, 2, (T, B)) if weighted else None
    counts = np.ones((T, B)) if weights is None else weights
    there = np.ones((T, B), bool) if lengths is None else np.arange(T)[:, None] < lengths
    value, dys = module.loss(ys, targets, lengths, weights)
    assert value == pytest.approx((closed(ys, targets) * counts)[there].sum() / counts[there].sum())
    assert not dys[~there].any()
    h = 1e-6
    for t, b, k in [(0, 0, 0), (2, 1, width - 1), (T - 1, 0, 1)]:
        moved = ys.copy()
        moved[t, b, k] += h
        ahead = module.loss(moved, targets, lengths, weights)[0]
        assert (ahead - value) / h == pytest.approx(dys[t, b, k], abs=1e-5)


def test_there_are_these_losses():
    assert losses() == sorted(LOSSES)


def test_nothing_overflows_in_the_cross_entropy():
    module = some_loss("cross_entropy", 4)
    ys = np.array([[[1e4, -1e4, 0, 0]], [[800.0, 800.0, 0, 0]]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, dys = module.loss(ys, np.array([[0], [1]]))
        worst, _ = module.loss(ys[:1], np.array([[1]]))
    assert value == pytest.approx(np.log(2) / 2) and worst == pytest.approx(2e4)
    near(dys[1, 0], [0.25, -0.25, 0, 0])


def test_a_class_is_the_share_1_of_it():
    module = some_loss("cross_entropy", 4)
    ys, classes = RNG.standard_normal((T, B, 4)), RNG.integers(0, 4, (T, B))
    one = module.loss(ys, classes)
    other = module.loss(ys, np.eye(4)[classes])
    assert one[0] == other[0]
    assert np.array_equal(one[1], other[1])


def test_what_does_not_count_may_be_anything():
    module = some_loss("cross_entropy", 4)
    ys, classes = RNG.standard_normal((T, B, 4)), RNG.integers(0, 4, (T, B))
    right = module.loss(ys, classes, LENGTHS)
    classes[np.arange(T)[:, None] >= LENGTHS] = -1
    assert module.loss(ys, classes, LENGTHS)[0] == right[0]
    numbers = some_loss("squared_error", 4)
    targets = RNG.standard_normal((T, B, 4))
    weights = np.ones((T, B))
    weights[2:] = 0
    right = numbers.loss(ys, targets, None, weights)
    targets[2:] = np.nan
    value, dys = numbers.loss(ys, targets, None, weights)
    assert value == right[0] and np.array_equal(dys, right[1])
    assert value == pytest.approx(numbers.loss(ys[:2], targets[:2])[0])


def test_of_no_steps_the_loss_is_0():
    for name, (size, values, targets, _) in LOSSES.items():
        module = some_loss(name, size, **values)
        width = size * len(values.get("level", "1"))
        value, dys = module.loss(np.zeros((0, B, width)), targets[:0])
        assert value == 0 and dys.shape == (0, B, width)
        ys = np.ones((T, B, width))
        value, dys = module.loss(ys, targets, np.zeros(B, int))
        assert value == 0 and not dys.any()


def test_the_gradient_of_the_loss_is_that_of_its_parts():
    module = module_of(Tagger)
    params, xs, *_ = drawn(module, 3, 4)
    masks = module.masks(np.random.default_rng(0), params, T, B)
    targets = RNG.integers(0, 5, (T, B))
    value, dparams = module.loss_and_gradient(params, xs, targets, lengths=LENGTHS, masks=masks)
    rng, h = np.random.default_rng(5), 1e-6
    for _ in range(5):
        v = params.zeros()
        v.flat[:] = rng.standard_normal(v.flat.size)
        sides = []
        for sign in (1, -1):
            moved = params.copy()
            moved.flat += sign * h * v.flat
            ys, _, _ = module.forward(moved, xs, None, LENGTHS, masks)
            sides.append(module.loss(ys, targets, LENGTHS)[0])
        slope = dparams.flat @ v.flat
        assert (sides[0] - sides[1]) / (2 * h) == pytest.approx(slope, rel=1e-6, abs=1e-9)
    assert (
        value
        == module.loss(module.forward(params, xs, None, LENGTHS, masks)[0], targets, LENGTHS)[0]
    )


def test_the_hessian_of_the_loss_times_a_vector():
    """With `loss_hvp`, hvp gives the derivative of the gradient of the loss itself."""
    module = module_of(Tagger)
    params, xs, *_ = drawn(module, 3, 4)
    masks = module.masks(np.random.default_rng(0), params, T, B)
    targets = np.eye(5)[RNG.integers(0, 5, (T, B))]
    v = params.zeros()
    v.flat[:] = np.random.default_rng(6).standard_normal(v.flat.size)
    ys, _, tape = module.forward(params, xs, None, LENGTHS, masks)
    _, dys = module.loss(ys, targets, LENGTHS)
    ys_dot, _ = module.jvp(params, tape, v)
    dys_dot = module.loss_hvp(ys, targets, ys_dot, LENGTHS)
    product, _, _ = module.hvp(params, tape, dys, v, dys_dot=dys_dot)
    moved = module.Params(3, 4, dtype=complex)
    moved.flat[:] = params.flat + 1e-30j * v.flat
    as_complex = type(masks)(*(mask.astype(complex) for mask in masks))
    _, turned = module.loss_and_gradient(
        moved, xs.astype(complex), targets.astype(complex), lengths=LENGTHS, masks=as_complex
    )
    near(product.flat, turned.flat.imag / 1e-30, 1e-12)


# --- random masks ---------------------------------------------------------------------------------


def test_masks_are_reproducible_and_what_they_are_said_to_be():
    module = module_of(Tagger)
    params = module.Params(3, 4)
    draw = lambda dtype=np.float64: module.masks(  # noqa: E731
        np.random.default_rng(1), module.Params(3, 4, dtype=dtype), 300, 50
    )
    masks = draw()
    assert all(np.array_equal(a, b) for a, b in zip(masks, draw(), strict=True))
    for a, b in zip(masks, draw(np.float32), strict=True):
        assert b.dtype == np.float32 and np.array_equal(a.astype(np.float32), b)
    assert {*np.unique(masks.drop)} == {0, 1 / (1 - 0.2)}
    assert {*np.unique(masks.sentence_h)} == {0, 1}
    assert masks.drop.shape == (300, 50, 12) and masks.sentence_c.shape == (300, 50, 4)
    assert np.mean(masks.drop == 0) == pytest.approx(0.2, abs=0.005)
    assert np.mean(masks.sentence_h == 0) == pytest.approx(0.1, abs=0.005)
    assert np.mean(masks.sentence_c == 0) == pytest.approx(0.3, abs=0.005)
    assert params.flat.dtype == np.float64


def test_a_mask_of_ones_changes_nothing_and_of_zeros_keeps_the_state():
    module = module_of(Tagger)
    params, xs, state, _, _ = drawn(module, 3, 4)
    masks = module.masks(np.random.default_rng(1), params, T, B)
    ones = module.Masks(*map(np.ones_like, masks))
    plain = module_of(made(words=Bidirectional("gru", 6), sentence=Layer("lstm_peephole", H),
                           tags=Output(5)))  # fmt: skip
    same = plain.Params(3, 4)
    same.flat[:] = params.flat
    near(module.forward(params, xs, state, None, ones)[0],
         plain.forward(same, xs, plain.State(*state))[0])  # fmt: skip
    zeros = module.Masks(*map(np.zeros_like, masks))
    _, last, _ = module.forward(params, xs, state, LENGTHS, zeros)
    assert all(np.array_equal(a, b) for a, b in zip(last.sentence, state.sentence, strict=True))


def test_without_masks_it_is_what_masks_give_on_average():
    """A linear network has the average of its outputs over many masks where nothing is random."""
    class_ = made(drop=Dropout(RATE), out=Layer(networks.Dense, 2), end=Layer("rnn", 2))
    module = module_of(class_)
    params, xs, *_ = drawn(module, 2)
    masks = module.masks(np.random.default_rng(1), params, T, B)
    assert set(np.unique(masks.drop)) == {0, 2}
    near(module.forward(params, xs, masks=module.Masks(np.ones_like(masks.drop)))[0],
         module.forward(params, xs)[0])  # fmt: skip
    kept = module_of(made(only=Layer("rnn", 3, zoneout=0.25)))
    params, xs, state, _, _ = drawn(kept, 2)
    share = kept.Masks(np.full((T, B, 3), 0.75))
    near(kept.forward(params, xs, state, None, share)[0], kept.forward(params, xs, state)[0])


def test_a_network_without_random_masks_has_none():
    module = module_of(Plain)
    assert not hasattr(module, "masks") and not hasattr(module, "Masks")
    assert not hasattr(module, "loss")
    with pytest.raises(TypeError, match="masks"):
        module.forward(module.Params(2, 3), np.zeros((1, 1, 2)), masks=None)


# --- streaming ------------------------------------------------------------------------------------


def test_steps_are_forward_s():
    module = module_of(Streaming)
    params, xs, state, _, _ = drawn(module)
    ys, last, _ = module.forward(params, xs, state)
    for x, want in zip(xs, ys, strict=True):
        y, state = module.step(params, x, state)
        near(y, want)
    for part, own in zip(state, last, strict=True):
        for one, other in zip(part, own, strict=True):
            near(one, other)


def test_what_waits_for_the_end_does_not_stream():
    assert not hasattr(module_of(Tagger), "step") and hasattr(module_of(Streaming), "step")


# --- what a module has ----------------------------------------------------------------------------


@by_name
def test_parameters_are_one_vector(network, tmp_path):
    module = module_of(network)
    arguments = [face.sizes_of(network)[axis] for axis in network.axes]
    params = module.init(np.random.default_rng(1), *arguments)
    assert np.isfinite(params.flat).all() and params.flat.any()
    assert list(params) == list(module.Params.SHAPES)
    assert sum(view.size for view in params.values()) == params.flat.size
    for k, view in enumerate(params.values()):
        view[...] = k
    assert np.array_equal(np.unique(params.flat), np.arange(len(params)))
    for part in network.parts:
        for name, view in params.parts[part.name].items():
            assert np.shares_memory(view, params.flat)
            assert view is params[f"{part.name}.{name}"]
    assert params == params.copy() and params.copy() is not params
    params.save(tmp_path / "params.npz")
    again = module.Params.load(tmp_path / "params.npz")
    assert again == params and np.array_equal(again.flat, params.flat)
    with np.load(tmp_path / "params.npz") as file:
        assert {*file} == {*params, "_sizes"}
    with pytest.raises(KeyError, match="no parameter 'nothing'"):
        params["nothing"]
    with pytest.raises(AttributeError):
        params.only = 1


def test_each_part_begins_as_its_cell_says():
    module = module_of(made(a=Layer("lstm", 3), b=Layer("lstm", 3)))
    params = module.init(np.random.default_rng(1), 2)
    assert (params["a.b_f"] == 1).all() and (params["b.b_f"] == 1).all()
    assert not params["a.b_i"].any()
    assert not np.array_equal(params["a.U_i"], params["b.U_i"])
    alone = single("lstm").init(np.random.default_rng(1), 2, 3)
    assert np.array_equal(params.parts["a"].flat, alone.flat)


def test_params_can_be_pickled(tmp_path):
    for name, text in compiler.generate(Tagger).items():
        (tmp_path / name).write_text(text)
    code = """if True:
        import pickle, numpy as np, tagger
        params = tagger.init(np.random.default_rng(0), 3, 4)
        assert pickle.loads(pickle.dumps(params)) == params
        ys, state, tape = tagger.forward(params, np.ones((2, 1, 3)))
        again = pickle.loads(pickle.dumps((state, tape)))
        assert np.array_equal(tagger.backward(params, again[1], ys)[0].flat,
                              tagger.backward(params, tape, ys)[0].flat)
    """
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@by_name
def test_of_no_steps_it_gives_back_the_state(network):
    trial = face.NetworkTrial(face.Face(network), make=face.made(compiler.module, masked=False))
    point, module = trial.point, trial.module
    xs = tuple(a[:0] for a in trial.point.xs) if isinstance(point.xs, tuple) else point.xs[:0]
    xs = module.Inputs(*xs) if isinstance(xs, tuple) else xs
    ys, last, tape = module.forward(point.params, xs, point.state)
    assert ys.shape[0] == 0
    assert all(np.array_equal(a, b) for a, b in zip(last, point.state, strict=True))
    dparams, _, dstate = module.backward(point.params, tape, ys, trial.dstate)
    assert not dparams.flat.any()
    assert all(np.array_equal(a, b) for a, b in zip(dstate, trial.dstate, strict=True))
    ys_dot, _ = module.jvp(point.params, tape, point.params, None, point.state)
    assert ys_dot.shape == ys.shape


def test_what_is_past_an_end_does_not_matter():
    module = module_of(Tagger)
    params, xs, state, dys, dstate = drawn(module, 3, 4)
    past = np.arange(T)[:, None] >= LENGTHS
    results = []
    for filler in (0.0, np.nan):
        xs[past], dys[past] = filler, filler
        ys, last, tape = module.forward(params, xs, state, LENGTHS)
        dparams, dxs, first = module.backward(params, tape, dys, dstate)
        assert not ys[past].any() and not dxs[past].any()
        results.append(
            [ys, *(a for p in last for a in p), dparams.flat, dxs, *(a for p in first for a in p)]
        )
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


class Fed(Cell):
    """Two inputs, one as wide as the cell."""

    x, more = Input(), Input(H)
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    h_next = tanh(W @ x + U @ h + more)


def test_an_input_is_as_wide_as_the_first_layer():
    """Which may be another width than the one that is called H in the network."""
    network = made(first=Layer(Fed, 5), second=Layer("gru", H))
    assert all(row.ok for row in check(network))
    (text,) = compiler.generate(network).values()
    assert "more (T, B, 5)" in text


def test_nothing_past_an_end_is_divided_by_0():
    """Layers that must not be given zeros are given none there, nor does the loss compare such."""
    module = module_of(Steep)
    params, xs, state, _, _ = drawn(module, 3, lengths=LENGTHS)
    rng = np.random.default_rng(1)
    ys = module.forward(params, xs, state, LENGTHS)[0]
    targets, v = rng.standard_normal(ys.shape), params.copy()
    masks = module.masks(rng, params, T, B)
    masks.drop[...] = 1  # but for what is past an end: all of it is dropped out
    masks.drop[np.arange(T)[:, None] >= LENGTHS] = 0
    targets[np.arange(T)[:, None] >= LENGTHS] = 0  # as ys are
    with np.errstate(all="raise"):
        ys, _, tape = module.forward(params, xs, state, LENGTHS, masks)
        _, dys = module.loss(ys, targets, LENGTHS)
        dparams, _, _ = module.backward(params, tape, dys)
        ys_dot = module.jvp(params, tape, v)[0]
        dys_dot = module.loss_hvp(ys, targets, ys_dot, LENGTHS)
        along = module.hvp(params, tape, dys, v, dys_dot=dys_dot)[0]
    want, again = params.zeros(), params.zeros()
    for b, n in enumerate(LENGTHS):
        one = slice(b, b + 1)
        first = type(state)(*(type(part)(*(a[one] for a in part)) for part in state))
        ys, _, tape = module.forward(params, xs[:n, one], first)
        share = n / sum(LENGTHS)
        dys = share * module.loss(ys, targets[:n, one])[1]
        want.flat += module.backward(params, tape, dys)[0].flat
        ys_dot = module.jvp(params, tape, v)[0]
        dys_dot = share * module.loss_hvp(ys, targets[:n, one], ys_dot)
        again.flat += module.hvp(params, tape, dys, v, dys_dot=dys_dot)[0].flat
    near(dparams.flat, want.flat)
    near(along.flat, again.flat, 1e-12)


def test_arguments_are_left_as_they_were():
    module = module_of(Tagger)
    params, xs, state, dys, dstate = drawn(module, 3, 4, lengths=LENGTHS)
    masks = module.masks(np.random.default_rng(1), params, T, B)
    before = copy.deepcopy(
        (params.flat, xs, list(map(list, state)), dys, list(map(list, dstate)), list(masks))
    )
    _, _, tape = module.forward(params, xs, state, LENGTHS, masks)
    v = params.copy()
    module.backward(params, tape, dys, dstate)
    module.jvp(params, tape, v, xs, state)
    module.hvp(params, tape, dys, v, xs, state, dstate, dys, dstate)
    after = (params.flat, xs, list(map(list, state)), dys, list(map(list, dstate)), list(masks))
    assert pickle.dumps(before) == pickle.dumps(copy.deepcopy(after))


def test_arrays_need_not_be_contiguous():
    module = module_of(Tagger)
    params, xs, state, dys, dstate = drawn(module, 3, 4)
    ys, _, tape = module.forward(params, np.asfortranarray(xs), state)
    dparams, dxs, _ = module.backward(params, tape, dys[:, ::-1][:, ::-1], dstate)
    want, _, right = module.forward(params, xs, state)
    assert np.array_equal(ys, want)
    near(dparams.flat, module.backward(params, right, dys, dstate)[0].flat)
    near(dxs, module.backward(params, right, dys, dstate)[1])


WRONG_ARGUMENTS = {
    "inputs": (lambda m, p, x: m.forward(p, x[..., :1]), ValueError, r"xs has shape .*\(T, B, 3\)"),
    "dtype": (
        lambda m, p, x: m.forward(p, x.astype(np.float32)),
        TypeError,
        "xs has dtype float32",
    ),
    "params": (lambda m, p, x: m.forward({}, x), TypeError, "params must be .*Params"),
    "a state": (lambda m, p, x: m.forward(p, x, (1, 2)), TypeError, "state must be State"),
    "a part": (
        lambda m, p, x: m.forward(p, x, m.State((1, 2), (), ())),
        TypeError,
        r"state\.words_forward must be GRUState\(h\)",
    ),
    "its shape": (
        lambda m, p, x: m.forward(p, x, m.State((np.zeros((1, 6)),), (np.zeros((4, 6)),), None)),
        ValueError,
        r"state\.words_forward\.h has shape \(1, 6\), but \(4, 6\)",
    ),
    "lengths": (
        lambda m, p, x: m.forward(p, x, None, np.array([7, 1, 1, 1])),
        ValueError,
        "between 0",
    ),
    "masks": (
        lambda m, p, x: m.forward(p, x, masks=(1,)),
        TypeError,
        r"masks must be Masks\(drop, ",
    ),
    "a mask": (
        lambda m, p, x: m.forward(p, x, masks=m.masks(np.random.default_rng(0), p, 2, 4)),
        ValueError,
        r"masks\.drop has shape \(2, 4, 12\), but \(6, 4, 12\)",
    ),
    "rng": (lambda m, p, _: m.masks(1, p, T, B), TypeError, "rng must be"),
    "init": (lambda m, _, __: m.init(1, 3, 4), TypeError, "rng must be"),
    "a size": (
        lambda m, _, __: m.Params(3, 0),
        ValueError,
        "hidden_size must be a positive integer",
    ),
    "a tape": (lambda m, p, x: m.backward(p, (), x), TypeError, "tape must be"),
    "another's": (
        lambda m, p, x: m.backward(m.Params(3, 5), m.forward(p, x)[2], x),
        ValueError,
        "tape was made with Params",
    ),
    "dys": (lambda m, p, x: m.backward(p, m.forward(p, x)[2], x), ValueError, "dys has shape"),
    "a direction": (
        lambda m, p, x: m.jvp(p, m.forward(p, x)[2], p, x[:1]),
        ValueError,
        "xs_dot has",
    ),
    "classes": (
        lambda m, p, x: m.loss(m.forward(p, x)[0], np.full((T, B), 5)),
        ValueError,
        "targets are integers from 0 to 4, and 5 is not",
    ),
    "how many": (
        lambda m, p, x: m.loss(m.forward(p, x)[0], np.zeros((T, 1), int)),
        ValueError,
        "targets has shape",
    ),
    "their dtype": (
        lambda m, p, x: m.loss(m.forward(p, x)[0], np.zeros((T, B, 5), np.float32)),
        TypeError,
        "targets has dtype",
    ),
    "weights": (
        lambda m, p, x: m.loss(m.forward(p, x)[0], np.zeros((T, B), int), None, np.ones(B)),
        ValueError,
        "weights has shape",
    ),
}


@pytest.mark.parametrize("what", WRONG_ARGUMENTS)
def test_a_wrong_argument_is_told(what):
    call, kind, message = WRONG_ARGUMENTS[what]
    module = module_of(Tagger)
    params, xs, *_ = drawn(module, 3, 4)
    with pytest.raises(kind, match=message):
        call(module, params, xs)


def test_sizes_that_only_arguments_tell_have_to_fit():
    module = module_of(made(a=Layer("rnn", H), b=Layer("sru", 3)))
    module.Params(2, 3)
    with pytest.raises(ValueError, match="b is given 4 numbers in each step, and takes 3"):
        module.Params(2, 4)


# --- what is said when a network is wrong ---------------------------------------------------------

HEAD = """\
from derive.language import Cell, H, I, Input, Matrix, Output as Out, Scalar, State, Vector, tanh
from derive.network import *

class Two(Cell):
    x, y = Input(), Input()
    h = State()
    W = Matrix(H, I)
    h_next = tanh(W.h @ x + W.h_ @ y) if False else tanh(W @ x + W @ y + h)

class Mine(Network):
    a = Layer("gru", 4)
"""
MISTAKES = {
    "a cell": ('b = Layer("gruu", 4)', 12, "no cell is called 'gruu'; is it gru"),
    "a file": ('b = Layer("nowhere.py", 4)', 12, "there is no file .*nowhere.py"),
    "no cell": ("b = Layer(7, 4)", 12, "7 is no cell: name one, or its file, or give its class"),
    "several inputs": (
        "b = Layer(Two, 4)",
        12,
        "layer `b`: two is given `x` and `y`, and only the first",
    ),
    "sizes that do not fit": (
        'b = Layer("sru", 5)',
        12,
        "sru is given 4 numbers in each step, and takes 5",
    ),
    "no size": (
        'b = Layer("gru")',
        12,
        "layer `b`: gru has the size hidden_size, which is not given",
    ),
    "a size": (
        'b = Layer("gru", 0)',
        12,
        "layer `b`: 0 is no size; write a positive integer, or an axis",
    ),
    "a size's name": (
        'b = Layer("gru", 4, width=3)',
        12,
        "gru has no size `width`; it has hidden_size",
    ),
    "one of several": ('b = Layer("mlstm", 4)', 12, "mlstm has the size heads, which is not given"),
    "of which there is none": (
        'b = Layer("scrn", 4)',
        12,
        "scrn has the size context_size, which is not given",
    ),
    "a loss": (
        'b = Output(3, "hinge")',
        12,
        "no loss is called 'hinge'; there are cross_entropy, ",
    ),
    "a cell as a loss": ("b = Output(3, Two)", 12, "no loss is called"),
    "its values": ('b = Output(3, "quantile")', 12, "the loss quantile needs level="),
    "values for none": ('b = Output(3, "squared_error", level=[1])', 12, "has no `level`"),
    "no numbers": ('b = Output(3, "quantile", level="high")', 12, "a list of numbers is needed"),
    "after the output": (
        "b = Output(3)\n    c = Dropout(0.1)",
        13,
        "`c` stands behind the output `b`",
    ),
    "a rate": ("b = Dropout(1)", 12, "dropout `b` has the probability 1: a number from 0 up to 1"),
    "zoneout": ('b = Layer("gru", 4, zoneout=2)', 12, "zoneout of layer `b` has the probability 2"),
    "of no state": (
        'b = Layer("gru", 4, zoneout={"c": 0.1})',
        12,
        "gru has no state `c`; it has h",
    ),
    "of a matrix": (
        'b = Layer("retnet", heads=2, key_size=2, value_size=2, zoneout=0.1)',
        12,
        "a mask is a vector|has no size",
    ),
    "of what starts far away": ('b = Layer("slstm", 4, zoneout=0.1)', 12, r"starts at -1e\+30"),
    "twice": ('a = Layer("gru", 4)', 12, "`a` is defined twice"),
    "no layer": ("b = 3", 12, "`b` is a int; a network's body holds Layer"),
    "two of a name": (
        'b = Bidirectional("gru", 4)\n    b_forward = Dropout(0.1)',
        10,
        "called `b_forward`",
    ),
    "a mask's": ('b = Layer("gru", 4, zoneout=0.1)\n    b_h = Dropout(0.1)', 10, "called `b_h`"),
    "two axes": (
        'b = Layer("gru", Axis("H", "other"))\n    c = Layer("gru", H)',
        10,
        "two axes share",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path, what):
    lines, line, message = MISTAKES[what]
    file = tmp_path / "mine.py"
    file.write_text(f"{HEAD}    {lines}\n")
    with pytest.raises(CellError, match=message) as error:
        load(str(file))
    assert str(error.value).startswith(f"{file}:{line}: ")
    result = CliRunner().invoke(cli.main, ["generate", "--network", str(file), "-o", str(tmp_path)])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_a_network_needs_a_cell(tmp_path):
    for body in ("d = Dropout(0.5)", "o = Output(3)", "pass"):
        (tmp_path / "mine.py").write_text(
            f"from derive.network import *\nclass Mine(Network):\n    {body}\n"
        )
        with pytest.raises(CellError, match="no layer that hands anything on"):
            load(str(tmp_path / "mine.py"))


def test_the_file_that_is_named(tmp_path):
    with pytest.raises(CellError, match="there is no file"):
        load(str(tmp_path / "nothing.py"))
    file = tmp_path / "mine.py"
    file.write_text("from derive.network import *\n")
    with pytest.raises(CellError, match="defines no network: write `class MyNetwork"):
        load(str(file))
    two = "".join(f'class {n}(Network):\n    a = Layer("rnn", 2)\n' for n in ("One", "Two"))
    file.write_text(f"from derive.network import *\n{two}")
    with pytest.raises(CellError, match=r"defines One, Two; say which: .*mine.py:One"):
        load(str(file))
    with pytest.raises(CellError, match="no network is called 'Three'; there are One, Two"):
        load(f"{file}:Three")
    assert load(f"{file}:Two").name == "two"


def test_a_map_is_no_cell_and_a_network_no_cell_either(tmp_path):
    with pytest.raises(CellError, match="defines no cell"):
        library.load(str(ROOT / "derive" / "network" / "maps" / "affine.py"))
    with pytest.raises(CellError, match="a map has no state, and `h` is one"):
        type(networks.Map)
        meta = type(networks.Map)
        body = meta.__prepare__("Wrong", (networks.Map,))
        body["x"], body["h"] = networks.Input(), networks.State()
        body["W"] = networks.Matrix(H, networks.I)
        body["h_next"] = body["W"] @ body["x"] + body["h"]
        meta("Wrong", (networks.Map,), body)


def test_a_cell_of_one_s_own(tmp_path):
    """By its class, or by its file, which is looked for beside the network's."""
    (tmp_path / "own.py").write_text(
        "from derive.language import *\n\nclass Own(Cell):\n    x = Input()\n    h = State()\n"
        "    W, U = Matrix(H, I), Matrix(H, H)\n    h_next = tanh(W @ x + U @ h)\n"
    )
    (tmp_path / "net.py").write_text(
        "from derive.language import *\nfrom derive.network import *\n\n"
        "class Same(Cell):\n    x = Input()\n    h = State()\n"
        "    W, U = Matrix(H, I), Matrix(H, H)\n"
        "    h_next = tanh(W @ x + U @ h)\n\n"
        'class Net(Network):\n    a = Layer("own.py", 3)\n    b = Layer(Same, 3)\n'
    )
    network = load(str(tmp_path / "net.py"))
    assert [cell.name for cell in network.cells] == ["own", "same"]
    assert all(row.ok for row in check(network))


# --- the command ----------------------------------------------------------------------------------

TAGGER = "from derive.network import *\n\nclass Tagger(Network):\n" + "".join(
    f"    {line}\n"
    for line in (
        'words = Bidirectional("gru", 6)',
        "drop = Dropout(0.2)",
        'sentence = Layer("lstm_peephole", H, zoneout={"h": 0.1, "c": 0.3})',
        'tags = Output(5, "cross_entropy")',
    )
)


SMALL = TAGGER.replace("gru", "rnn").replace("lstm_peephole", "rnn").replace(', "c": 0.3', "")


def derived(*arguments):
    return CliRunner().invoke(cli.main, list(map(str, arguments)))


def test_the_command_generates_and_proves(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(SMALL)
    result = derived("generate", "--network", file, "rnn", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    written = {f["cell"]: Path(f["path"]).name for f in json.loads(result.stdout)["files"]}
    assert written == {"net": "net.py", "rnn": "rnn.py"}
    result = derived("generate", "--network", file, "-o", tmp_path / "out")
    assert result.exit_code == 0 and result.stdout == f"wrote {tmp_path / 'out' / 'net.py'}\n"
    result = derived("check", "--network", file)
    assert (
        result.exit_code == 0 and "net: Tagger" in result.stdout and "FAILED" not in result.stdout
    )
    answer = json.loads(derived("check", "--network", file, "--json").stdout)
    assert answer["ok"] and answer["cells"][0]["cell"] == "net"


def test_the_command_refuses(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(TAGGER)
    for arguments, message in {
        ("generate", "--network", file, "-o", tmp_path): "is the cell's own file",
        (
            "generate",
            "--network",
            file,
            "--set",
            "reset=after",
            "-o",
            tmp_path / "a",
        ): "--set is for cells",
        (
            "generate",
            "--network",
            file,
            "--store",
            "checkpoints",
            "-o",
            tmp_path / "a",
        ): "of a network that",
        (
            "generate",
            "--network",
            file,
            "--backend",
            "torch",
            "-o",
            tmp_path / "a",
        ): "torch has no networks",
        ("check",): "Missing argument",
    }.items():
        result = derived(*arguments)
        assert result.exit_code == 2 and message in result.stderr, result.stderr
    assert not (tmp_path / "a").exists()


def test_the_same_network_gives_the_same_bytes(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(TAGGER)
    texts = set()
    for seed in ("1", "77"):
        command = [sys.executable, "-m", "derive", "generate", "--network", file, "-q", "--force",
                   "-o", tmp_path / "out"]  # fmt: skip
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        texts.add((tmp_path / "out" / "net.py").read_text())
    (text,) = texts
    assert all(len(line) <= 100 for line in text.splitlines())
    described = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = [
        ast.get_docstring(n) or "" for n in ast.walk(ast.parse(text)) if isinstance(n, described)
    ]
    assert not [d for d in found for line in d.splitlines() if line.endswith(("(", "["))]


# --- names ----------------------------------------------------------------------------------------


QUICK = {"equations", "complex step", "dot product", "Hessian", "loss"}


@pytest.mark.parametrize("is_left_out", first(1, [lambda n: n not in QUICK, "identity".__eq__]))
def test_layers_may_be_called_as_the_code_calls_things(is_left_out):
    """A name that the module has for itself gives way to it in the code alone."""
    names = (
        "params xs ys state tape masks order layers dparams np T B State forward past dys loss a b"
    ).split()
    declared = {name: Layer("rnn", 3, zoneout=0.1) for name in names}
    network = made(**declared, out=Output(2, "squared_error"))
    assert all(part.row().ok for part in parts(network) if not is_left_out(part.name))
    assert module_of(network).State._fields == tuple(names)


@pytest.mark.parametrize("network", first(1, NETWORKS))
def test_the_words_of_its_functions_are_listed(network):
    module = NetworkModule(network)
    (text,) = compiler.generate(network).values()
    given = set(module.taken) | {*module.arguments.values()}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name in (
            *("forward", "backward", "step", "jvp", "hvp", "masks"),
        ):
            own = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            own |= {a.arg for a in node.args.args}
            own = {name for name in own if not name.startswith("_")}
            assert own <= given | FUNCTIONS | WORDS, own - given


# --- random networks ------------------------------------------------------------------------------

CELLS = ["rnn", "gru", "gru:reset=after", "lstm", "lstm_peephole", "mgu", "minimalrnn", "indrnn",
         "lstm_layer_norm", "qrnn"]  # fmt: skip


@st.composite
def some_network(draw):
    layers, width = {}, None
    for k in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            layers[f"drop_{k}"] = Dropout(draw(st.sampled_from([0.1, 0.5, 0.9])))
        kind = draw(st.sampled_from([Layer, Bidirectional]))
        cell, size = draw(st.sampled_from(CELLS)), draw(st.integers(1, 4))
        zoneout = draw(st.sampled_from([0, 0, 0.3]))
        layers[f"layer_{k}"] = kind(cell, draw(st.sampled_from([size, H])), zoneout=zoneout)
    if draw(st.booleans()):
        size, loss = draw(st.integers(1, 3)), draw(st.sampled_from([None, *losses()]))
        values = {"level": [0.2, 0.8]} if loss == "quantile" else {}
        layers["out"] = Output(size, loss, **values)
    del width
    return made(**layers)


@pytest.mark.parametrize(("number", "count"), first(1, [(20, 1), *((k, 3) for k in range(20))]))
def test_random_networks_are_proved(number, count):
    @seeded(number)
    @settings(max_examples=count, deadline=None, database=None)
    @given(some_network())
    def proved(network):
        rows = [part.row() for part in parts(network) if part.name != "identity"]
        assert all(row.ok for row in rows), rows

    proved()


# --- the proof's own oracle -----------------------------------------------------------------------


def test_the_equations_are_evaluated_apart():
    """The oracle is right where one can compute by hand: a memory that adds up its inputs."""
    network = made(a=Layer("rnn", 1), b=Layer("rnn", 1))
    trial = face.NetworkTrial(face.Face(network), make=face.made(compiler.module, masked=False))
    assert rows.equations(trial).ok
    params, xs, (h, k) = trial.point.params, trial.point.xs, trial.point.state
    a, b = params.parts["a"], params.parts["b"]
    h = np.tanh(xs[0] @ a["W"].T + h @ a["U"].T + a["b"])
    k = np.tanh(h @ b["W"].T + k @ b["U"].T + b["b"])
    near(trial.ys[0], k)
