"""Networks against PyTorch: two layers of nn.LSTM in both directions, dropout by the same masks,
and the losses."""

from __future__ import annotations

import kept
import networks
import numpy as np
import pytest

from derive.network import Bidirectional, Dropout, Network, Output

torch = pytest.importorskip("torch", reason="this is what make test-peers installs")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

T, B, I, H, CLASSES = 7, 5, 3, 4, 6
GATES = "ifgo"  # the order in which PyTorch stacks them
LENGTHS = {"whole": None, "ragged": np.array([T, 4, 1, 6, 2])}


class Twice(Network):
    """nn.LSTM(3, 4, num_layers=2, bidirectional=True, dropout=0.5), and a linear layer."""

    lower = Bidirectional("lstm", H)
    drop = Dropout(0.5)
    upper = Bidirectional("lstm", H)
    out = Output(CLASSES, "cross_entropy")


def tensor(array):
    return torch.tensor(array, requires_grad=np.asarray(array).dtype.kind == "f")


def layer(lstm, params, name):
    """Copy a part's parameters into PyTorch's layer of one direction."""
    part = params.parts[name]
    stacked = {k: np.concatenate([part[f"{k}_{gate}"] for gate in GATES]) for k in "WUb"}
    suffix = "_reverse" if name.endswith("_backward") else ""
    with torch.no_grad():
        getattr(lstm, f"weight_ih_l0{suffix}").copy_(torch.tensor(stacked["W"]))
        getattr(lstm, f"weight_hh_l0{suffix}").copy_(torch.tensor(stacked["U"]))
        getattr(lstm, f"bias_ih_l0{suffix}").copy_(torch.tensor(stacked["b"]))
        getattr(lstm, f"bias_hh_l0{suffix}").zero_()


def gradient(lstm, name):
    """That of a layer's parameters, each under our name."""
    suffix = "_reverse" if name.endswith("_backward") else ""
    found = {}
    for ours, theirs in {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih"}.items():
        blocks = getattr(lstm, f"{theirs}_l0{suffix}").grad.chunk(4)
        found |= {f"{name}.{ours}_{gate}": block for gate, block in zip(GATES, blocks, strict=True)}
    return found


def packed(lstm, xs, lengths):
    """A layer of PyTorch's over sequences of these lengths."""
    pack = torch.nn.utils.rnn.pack_padded_sequence(xs, lengths, enforce_sorted=False)
    return torch.nn.utils.rnn.pad_packed_sequence(lstm(pack)[0], total_length=T)[0]


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_two_layers_in_both_directions_with_dropout(lengths):
    module, rng = kept.module(Twice), np.random.default_rng(0)
    params = module.init(rng, I)
    params.flat[:] += 0.1 * rng.standard_normal(params.flat.size)
    xs, targets = rng.standard_normal((T, B, I)), rng.integers(0, CLASSES, (T, B))
    masks = module.masks(rng, params, T, B)
    value, dparams = module.loss_and_gradient(params, xs, targets, lengths=lengths, masks=masks)
    ys, _, tape = module.forward(params, xs, None, lengths, masks)
    _, dxs, _ = module.backward(params, tape, module.loss(ys, targets, lengths)[1])

    lower, upper = (
        torch.nn.LSTM(n, H, bidirectional=True, dtype=torch.float64) for n in (I, 2 * H)
    )
    linear = torch.nn.Linear(2 * H, CLASSES, dtype=torch.float64)
    for name, lstm in (("lower", lower), ("upper", upper)):
        for way in ("_forward", "_backward"):
            layer(lstm, params, name + way)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(params["out.W"]))
        linear.bias.copy_(torch.tensor(params["out.b"]))
    ends = np.full(B, T) if lengths is None else lengths
    given = tensor(xs)
    middle = packed(lower, given, ends) * torch.tensor(masks.drop)
    theirs = linear(packed(upper, middle, ends))
    there = torch.tensor(np.arange(T)[:, None] < ends)
    loss = torch.nn.functional.cross_entropy(theirs[there], torch.tensor(targets)[there])
    loss.backward()

    assert value == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(ys[there], theirs[there].detach(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(dxs, given.grad, rtol=0, atol=1e-12)
    right = {"out.W": linear.weight.grad, "out.b": linear.bias.grad}
    for name, lstm in (("lower", lower), ("upper", upper)):
        right |= gradient(lstm, f"{name}_forward") | gradient(lstm, f"{name}_backward")
    assert {*right} == {*params}
    for name, theirs_ in right.items():
        np.testing.assert_allclose(dparams[name], theirs_, rtol=0, atol=1e-12, err_msg=name)


def test_one_nn_lstm_gives_the_same():
    """PyTorch's own stack, where nothing is dropped out."""
    module, rng = kept.module(Twice), np.random.default_rng(1)
    params = module.init(rng, I)
    xs = rng.standard_normal((T, B, I))
    lstm = torch.nn.LSTM(I, H, num_layers=2, bidirectional=True, dtype=torch.float64)
    with torch.no_grad():
        for k, name in enumerate(("lower", "upper")):
            for way, suffix in (("_forward", ""), ("_backward", "_reverse")):
                part = params.parts[name + way]
                for ours, theirs in {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih"}.items():
                    stacked = np.concatenate([part[f"{ours}_{gate}"] for gate in GATES])
                    getattr(lstm, f"{theirs}_l{k}{suffix}").copy_(torch.tensor(stacked))
                getattr(lstm, f"bias_hh_l{k}{suffix}").zero_()
        want, (h, c) = lstm(torch.tensor(xs))
    want = want @ torch.tensor(params["out.W"]).T + torch.tensor(params["out.b"])
    ys, state, _ = module.forward(params, xs)
    np.testing.assert_allclose(ys, want, rtol=0, atol=1e-13)
    for part, theirs_h, theirs_c in zip(state, h, c, strict=True):
        np.testing.assert_allclose(part.h, theirs_h, rtol=0, atol=1e-13)
        np.testing.assert_allclose(part.c, theirs_c, rtol=0, atol=1e-13)


def pinball(ys, targets):
    levels = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    above = targets[..., None] - ys.reshape(T, B, 2, 3)
    return torch.maximum(levels * above, (levels - 1) * above).sum((-1, -2))


LOSSES = {
    "squared_error": (2, {}, lambda ys, t: 0.5 * ((ys - t) ** 2).sum(-1)),
    "cross_entropy": (
        4, {}, lambda ys, t: torch.nn.functional.cross_entropy(ys.movedim(-1, 1), t.movedim(-1, 1),
                                                               reduction="none"),
    ),
    "quantile": (2, {"level": [0.1, 0.5, 0.9]}, pinball),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_and_their_derivatives(name):
    size, values, theirs = LOSSES[name]

    class One(Network):
        """One layer, and this loss."""

        a = networks.Layer("rnn", 2)
        out = Output(size, name, **values)

    rng = np.random.default_rng(2)
    ys = rng.standard_normal((T, B, size * len(values.get("level", "1"))))
    targets, v = rng.uniform(0.1, 1, (T, B, size)), rng.standard_normal(ys.shape)
    targets /= targets.sum(-1, keepdims=True)
    module = kept.module(One)
    value, dys = module.loss(ys, targets)
    given = tensor(ys)
    loss = theirs(given, torch.tensor(targets)).mean()
    (slope,) = torch.autograd.grad(loss, given, create_graph=True)
    assert value == pytest.approx(loss.item(), rel=1e-13)
    np.testing.assert_allclose(dys, slope.detach(), rtol=0, atol=1e-14)
    curve = torch.zeros_like(given)
    if slope.requires_grad:
        (curve,) = torch.autograd.grad(slope, given, torch.tensor(v), allow_unused=True)
    np.testing.assert_allclose(module.loss_hvp(ys, targets, v), curve, rtol=0, atol=1e-14)
