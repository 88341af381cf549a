"""What PyTorch's own tests ask of nn.LSTM and nn.GRU as modules, asked of ours; and a script that
was written for nn.GRU.

Their tests (test/test_nn.py) compare processors with each other, or a module with numbers. Here
each question is put to both layers, which have the same weights.
"""

from __future__ import annotations

import itertools
import sys
import types

import pytest
from torch_layers import GATES, as_tuple, beside, close, layer_module, torch

from derive.library import load

rnn_utils = torch.nn.utils.rnn
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def not_contiguous(tensor):
    return torch.stack([torch.zeros_like(tensor), tensor], tensor.ndim).select(tensor.ndim, 1)


def asked(layer, name, xs, state, seeds):
    """Outputs, states, and gradients by inputs and states."""
    x = xs.data if isinstance(xs, rnn_utils.PackedSequence) else xs
    x = x.clone().requires_grad_()
    given = xs._replace(data=x) if isinstance(xs, rnn_utils.PackedSequence) else x
    state = tuple(s.clone().requires_grad_() for s in state)
    ys, ends = layer(given, state if name == "lstm" else state[0])
    ys = ys.data if isinstance(ys, rnn_utils.PackedSequence) else ys
    torch.autograd.backward([ys, *as_tuple(ends)], seeds)
    return [ys, *as_tuple(ends), x.grad, *(s.grad for s in state)]


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("chosen", [*itertools.product((True, False), repeat=5)], ids=str)
def test_every_way_of_calling_them(name, chosen):
    """Their test of one processor against another: two layers, from a state."""
    bias, bidirectional, batch_first, contiguous, packed = chosen
    ways, B, T, I, H = 1 + bidirectional, 6, 7, 10, 6
    options = {"bias": bias, "bidirectional": bidirectional, "batch_first": batch_first}
    ours, theirs = beside(name, I, H, num_layers=2, **options)
    lead = (B, T) if batch_first else (T, B)
    laid = not_contiguous if not contiguous else lambda tensor: tensor

    def draw(*shape):
        return laid(torch.randn(*shape, dtype=torch.float64))

    xs, seed = draw(*lead, I), draw(*lead, ways * H)
    if packed:
        lengths = torch.tensor([7, 5, 5, 2, 1, 1])
        xs, seed = (
            rnn_utils.pack_padded_sequence(a, lengths, batch_first=batch_first) for a in (xs, seed)
        )
        seed = seed.data
    count = 2 if name == "lstm" else 1
    state = [draw(2 * ways, B, H) for _ in range(count)]
    seeds = [seed, *(draw(2 * ways, B, H) for _ in range(count))]
    for one, other in zip(
        asked(ours, name, xs, state, seeds), asked(theirs, name, xs, state, seeds), strict=True
    ):
        close(one, other.detach().numpy())


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_no_state_is_zeros(name, bidirectional):
    ours, _ = beside(name, num_layers=2, bidirectional=bidirectional)
    x = torch.randn(5, 4, 2, dtype=torch.float64)
    zeros = [torch.zeros(2 * (1 + bidirectional), 4, 3, dtype=torch.float64)] * 2
    given = tuple(zeros) if name == "lstm" else zeros[0]
    (ys, ends), (ys_, ends_) = ours(x), ours(x, given)
    assert torch.equal(ys, ys_)
    assert all(map(torch.equal, as_tuple(ends), as_tuple(ends_)))


@pytest.mark.parametrize("name", GATES)
def test_a_graph_that_is_kept_is_gone_through_again(name):
    ours, _ = beside(name, num_layers=2)
    ys = ours(torch.randn(5, 4, 2, dtype=torch.float64))[0].sum()
    ys.backward(retain_graph=True)
    once = [p.grad.clone() for p in ours.parameters()]
    for count in (2, 3):
        ys.backward(retain_graph=True)
        for p, g in zip(ours.parameters(), once, strict=True):
            assert torch.allclose(p.grad, count * g)


@pytest.mark.parametrize("share", [0, 0.276, 0.731, 1])
@pytest.mark.parametrize("train", [True, False])
def test_dropout_stands_between_layers(share, train):
    """Weights and inputs of 1, no bias, so that an output says how many it has counted."""
    layer = layer_module(load("rnn:activation=relu")).RNN(10, 1000, 2, bias=False, dropout=share)
    layer.train(train).double()
    with torch.no_grad():
        for p in layer.parameters():
            p.fill_(1)
    ys, ends = layer(torch.ones(1, 1, 10, dtype=torch.float64))
    assert torch.all(ends[0] == 10) and ys.min() == ys.max() and torch.equal(ys[0], ends[1])
    if not share or not train:
        assert ys.min() == 10_000
    elif share == 1:
        assert ys.min() == 0
    else:
        assert 8000 < ys.min() < 12_000
        assert (ys.min() * (1 - share) / 10 - torch.round(ys.min() * (1 - share) / 10)).abs() < 1e-6


def test_dropout_is_random_by_pytorch_s_seed_and_may_be_changed():
    layer = layer_module(load("lstm")).LSTM(4, 50, num_layers=2, dropout=0.5)
    x = torch.randn(3, 2, 4)
    torch.manual_seed(0)
    one, other = layer(x)[0], layer(x)[0]
    torch.manual_seed(0)
    assert torch.equal(layer(x)[0], one) and not torch.equal(one, other)
    layer.dropout = 0.0
    assert torch.equal(layer(x)[0], layer(x)[0])
    layer.dropout = 0.5
    assert torch.equal(layer.eval()(x)[0], layer(x)[0])


@pytest.mark.parametrize("name", GATES)
def test_no_sequences(name):
    ours, theirs = beside(name, 3, 5, num_layers=2)
    x = torch.zeros(5, 0, 3, dtype=torch.float64)
    for one, other in zip(as_tuple(ours(x)[1]), as_tuple(theirs(x)[1]), strict=True):
        assert one.shape == other.shape == (2, 0, 5)
    assert ours(x)[0].shape == theirs(x)[0].shape


WRONG = {
    "width of the input": lambda layer: layer(torch.zeros(5, 3, 7).double()),
    "axes of the input": lambda layer: layer(torch.zeros(5, 3, 2, 2).double()),
    "width of the state": lambda layer: layer(torch.zeros(5, 3, 2).double(), given(2, 3, 9)),
    "batch of the state": lambda layer: layer(torch.zeros(5, 3, 2).double(), given(2, 7, 3)),
    "layers of the state": lambda layer: layer(torch.zeros(5, 3, 2).double(), given(1, 3, 3)),
    "batch where there is none": lambda layer: layer(torch.zeros(5, 2).double(), given(2, 1, 3)),
    "none where there is a batch": lambda layer: layer(torch.zeros(5, 3, 2).double(), given(2, 3)),
}


def given(*shape):
    return tuple(torch.zeros(2, *shape, dtype=torch.float64).unbind())


@pytest.mark.parametrize("what", WRONG)
def test_what_theirs_refuses_ours_refuses(what):
    for layer in beside("lstm", num_layers=2):
        with pytest.raises((RuntimeError, ValueError)):
            WRONG[what](layer)


@pytest.mark.parametrize("arguments", [(0, 3), (2, 0), (2, -1), (2, 3, 0), (2.0, 3), ("2", 3)])
def test_sizes_that_theirs_refuses(arguments):
    for made in (layer_module(load("lstm")).LSTM, torch.nn.LSTM):
        if made is torch.nn.LSTM and arguments[0] in (0, 2.0, "2"):
            continue  # theirs takes no input at all, and fails on others deep inside
        with pytest.raises((ValueError, TypeError)):
            made(*arguments)


def test_there_is_no_projection_but_in_the_cell_that_has_one():
    with pytest.raises(TypeError, match="proj_size"):
        layer_module(load("lstm")).LSTM(2, 3, proj_size=2)
    layer = layer_module(load("lstm_projection")).ProjectedLSTM
    assert layer(2, 5, 3)(torch.zeros(4, 1, 2))[0].shape[-1] in (3, 5)


def test_a_parameter_that_is_deleted_and_put_back():
    ours, _ = beside("lstm")
    x = torch.randn(3, 2, 2, dtype=torch.float64)
    wanted, kept = ours(x)[0], ours.U_i
    del ours.U_i
    assert not hasattr(ours, "U_i")
    ours.float().double()
    ours.U_i = kept
    assert torch.allclose(ours(x)[0], wanted, atol=1e-6)


def test_weight_norm_and_its_removal():
    ours, _ = beside("lstm")
    x = torch.randn(3, 2, 2, dtype=torch.float64)
    wanted = ours(x)[0]
    torch.nn.utils.parametrizations.weight_norm(ours, "U_i")
    assert torch.allclose(ours(x)[0], wanted)
    torch.nn.utils.parametrize.remove_parametrizations(ours, "U_i")
    assert torch.allclose(ours(x)[0], wanted)


def test_what_is_frozen_gets_no_gradient():
    ours, theirs = beside("lstm")
    x = torch.randn(3, 2, 2, dtype=torch.float64)
    for layer in (ours, theirs):
        for p in list(layer.parameters())[:2]:
            p.requires_grad_(False)
        layer(x)[0].sum().backward()
        assert [p.grad is None for p in layer.parameters()][:3] == [True, True, False]


# --- a script that was written for nn.GRU ---------------------------------------------------------

LINE = "from torch.nn import GRU"
SCRIPT = f"""
import io

import torch
from torch import nn
{LINE}

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 8)
        self.gru = GRU(8, 16, num_layers=2, batch_first=True, dropout=0.1, bidirectional=True)
        self.head = nn.Linear(32, 2)

    def forward(self, tokens, lengths):
        self.gru.flatten_parameters()
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embed(tokens), lengths, batch_first=True, enforce_sorted=False
        )
        ys, last = self.gru(packed)
        ys, _ = nn.utils.rnn.pad_packed_sequence(ys, batch_first=True, total_length=tokens.shape[1])
        return self.head(ys), last


tokens = torch.randint(5, (24, 9))
lengths = torch.randint(3, 10, (24,))
tags = (tokens.cumsum(1) % 2).long()  # whether what came so far is even
mask = torch.arange(9) < lengths[:, None]

model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
losses = []
for _ in range(40):
    optimizer.zero_grad(set_to_none=True)
    scores, _ = model(tokens, lengths)
    loss = nn.functional.cross_entropy(scores[mask], tags[mask])
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    losses.append(loss.item())

file = io.BytesIO()
torch.save(model.state_dict(), file)
file.seek(0)
again = Tagger()
again.load_state_dict(torch.load(file))
again.eval(), model.eval()
with torch.no_grad():
    same = torch.equal(again(tokens, lengths)[0], model(tokens, lengths)[0])
"""


def test_a_training_script_for_nn_gru_runs_with_one_line_changed(monkeypatch):
    layers = types.ModuleType("layers")
    layers.gru = layer_module(load("gru"))
    monkeypatch.setitem(sys.modules, "layers", layers)
    monkeypatch.setitem(sys.modules, "layers.gru", layers.gru)
    for line in (LINE, "from layers.gru import GRU"):
        found = {}
        exec(SCRIPT.replace(LINE, line), found)
        assert found["same"] and found["losses"][-1] < 0.7 * found["losses"][0], line
