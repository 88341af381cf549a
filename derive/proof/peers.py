"""The proof by others: where a well-known library has the same cell, its outputs and gradients.

PyTorch's tensors have the gates one above the other. Its layers have two biases where one would do;
the second is zero here, and only in its GRU is part of it a parameter of ours. The GRU's z is there
the share of what is old, here of what is new, z ↔ 1 - z: its gate has our parameters negated.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.library import load
from derive.proof import Outcome
from derive.proof.numeric import error, judged
from derive.proof.trial import Trial

SIZES = {"T": 5, "B": 3, "I": 2, "H": 6, "P": 4}  # all different; PyTorch wants P below H
LENGTHS = np.array([5, 3, 1])  # PyTorch has no sequence of length zero


@dataclass(frozen=True)
class Peer:
    """A layer of torch.nn with a cell's equations.

    layer     its class
    tensors   for each of its tensors, which of our parameters it has one above the other; "-"
              before a name says negated, "0" is a vector of zeros. Other tensors are zero
    settings  what else it is made with; a letter stands for that axis' size
    """

    layer: str
    tensors: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)


def _tensors(W: str, U: str, b: str, **others: str) -> dict[str, str]:
    return {"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, **others}


RNN = _tensors("W", "U", "b")
LSTM = _tensors("W_i W_f W_g W_o", "U_i U_f U_g U_o", "b_i b_f b_g b_o")
PROJECTED = {**LSTM, "weight_hr_l0": "V"}
GRU = _tensors("W_r -W_z W_n", "U_r -U_z U_n", "b_r -b_z b_n", bias_hh_l0="0 0 d_n")

PEERS = {
    "rnn:activation=tanh": Peer("RNN", RNN),
    "rnn:activation=relu": Peer("RNN", RNN, {"nonlinearity": "relu"}),
    "lstm": Peer("LSTM", LSTM),
    "lstm_np": Peer("LSTM", LSTM),
    "lstm_projection:peepholes=false": Peer("LSTM", PROJECTED, {"proj_size": "P"}),
    "gru:reset=after": Peer("GRU", GRU),
}


def compare(cell: Cell, trial: Trial) -> Outcome:
    """Outputs, final states and every gradient against PyTorch's layer, in float64."""
    name = ":".join([cell.name, ",".join(map(str, cell.options))]).rstrip(":")
    if name not in PEERS:
        return Outcome(None, "-", "PyTorch has no layer of this cell")
    peer = PEERS[name]
    if not _same(cell, load(name)):
        return Outcome(None, "-", f"its equations are not those of torch.nn.{peer.layer}")
    if importlib.util.find_spec("torch") is None:
        return Outcome(None, "-", "PyTorch is not installed: make test-peers")
    return judged(_error(cell, trial, peer), 1e-10, f"against torch.nn.{peer.layer}")


def _same(one: Cell, other: Cell) -> bool:
    """True if two cells have the same equations: a user's own cell may have the name of a built-in
    one."""

    def parts(cell: Cell) -> tuple:
        return cell.inputs, cell.states, cell.output, dict(cell.updates), set(cell.equations)

    return parts(one) == parts(other)


def _error(cell: Cell, trial: Trial, peer: Peer) -> float:
    """The largest error of anything that the two return, at random values."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    module, draw = trial.module, trial.rng.standard_normal
    T, B = SIZES["T"], SIZES["B"]
    params = module.Params(*(SIZES[axis.letter] for axis in cell.axes))
    params.flat = 0.7 * draw(params.flat.size)
    xs = draw((T, B, SIZES["I"]))
    starts = module.State(*(draw((B, SIZES[s.axes[0].letter])) for s in cell.states))
    ys, ends, tape = module.forward(params, xs, starts, LENGTHS)
    dys, dends = draw(ys.shape), [draw(end.shape) for end in ends]
    dparams, dxs, dstarts = module.backward(params, tape, dys, module.State(*dends))

    layer = _layer(peer, params)
    inputs = torch.tensor(xs, requires_grad=True)
    before = [torch.tensor(s[None], requires_grad=True) for s in starts]
    packed, after = layer(
        pack_padded_sequence(inputs, torch.tensor(LENGTHS)),
        before[0] if len(before) == 1 else tuple(before),
    )
    outputs = pad_packed_sequence(packed, total_length=T)[0]
    after = [after] if len(before) == 1 else list(after)
    leaving = zip([outputs, *after], [dys, *(d[None] for d in dends)], strict=True)
    reduce(add, ((value * torch.tensor(weight)).sum() for value, weight in leaving)).backward()

    pairs: list[tuple[Any, Any]] = [(ys, outputs), (dxs, inputs.grad)]
    pairs += [(one[None], other) for one, other in zip(ends, after, strict=True)]
    pairs += [(one[None], other.grad) for one, other in zip(dstarts, before, strict=True)]
    for name, parts in peer.tensors.items():
        blocks = torch.chunk(getattr(layer, name).grad, len(parts.split()))
        named = zip(parts.split(), blocks, strict=True)
        pairs += [(_part(dparams, part), block) for part, block in named if part != "0"]
    return max(error(one, other.detach().numpy()) for one, other in pairs)


def _layer(peer: Peer, params: Any) -> Any:
    """PyTorch's layer with these parameters."""
    import torch

    settings = {key: SIZES.get(value, value) for key, value in peer.settings.items()}
    layer = getattr(torch.nn, peer.layer)(SIZES["I"], SIZES["H"], **settings).double()
    with torch.no_grad():
        for name, tensor in layer.named_parameters():
            parts = [_part(params, part) for part in peer.tensors.get(name, "").split()]
            tensor.copy_(torch.tensor(np.concatenate(parts)) if parts else torch.zeros(()))
    return layer


def _part(params: Any, part: str) -> Any:
    """One of our parameters, or its gradient, as PyTorch's tensor has it."""
    if part == "0":
        return np.zeros(SIZES["H"])
    return -params[part[1:]] if part.startswith("-") else params[part]
