"""The proof by others: where a well-known library has the same cell, its outputs and gradients."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.check.numeric import INPUTS, SIZE, Outcome, Trial, error, judged

# For each cell, PyTorch's layer, and the gates in the order in which its matrices have them.
PEERS = {"rnn": ("RNN", [""]), "lstm": ("LSTM", ["_i", "_f", "_g", "_o"])}


def compare(cell: Cell, trial: Trial) -> Outcome:
    """Outputs, final states and every gradient against PyTorch's layer, in float64."""
    if cell.name not in PEERS:
        return None, "-", "no library has this cell"
    if importlib.util.find_spec("torch") is None:
        return None, "-", "PyTorch is not installed: make test-peers"
    layer, gates = PEERS[cell.name]
    return judged(_error(cell, trial, layer, gates), 1e-10, f"against torch.nn.{layer}")


def _gradient(tensor: Any) -> Any:
    return tensor.grad.numpy()


def _error(cell: Cell, trial: Trial, layer: str, gates: list[str]) -> float:
    import torch

    peer = getattr(torch.nn, layer)(INPUTS, SIZE).double()
    point = trial.point

    def stacked(params: Any, letter: str) -> Any:
        return np.concatenate([params[f"{letter}{gate}"] for gate in gates])

    with torch.no_grad():
        for name, letter in (("weight_ih_l0", "W"), ("weight_hh_l0", "U"), ("bias_ih_l0", "b")):
            getattr(peer, name).copy_(torch.tensor(stacked(point.params, letter)))
        peer.bias_hh_l0.zero_()
    xs = torch.tensor(point.xs, requires_grad=True)
    starts = [torch.tensor(s[None], requires_grad=True) for s in point.state]
    ys, ends = peer(xs, starts[0] if len(starts) == 1 else tuple(starts))
    ends = [ends] if len(starts) == 1 else list(ends)
    loss = (ys * torch.tensor(trial.dys)).sum()
    for end, weight in zip(ends, trial.dstate, strict=True):
        loss = loss + (end[0] * torch.tensor(weight)).sum()
    loss.backward()

    dparams, dxs, dstate = trial.module.backward(point.params, trial.tape, trial.dys, trial.dstate)
    pairs = [(trial.ys, ys.detach().numpy()), (dxs, _gradient(xs))]
    pairs += [(a, b.detach().numpy()[0]) for a, b in zip(trial.final, ends, strict=True)]
    pairs += [(a, _gradient(b)[0]) for a, b in zip(dstate, starts, strict=True)]
    for name, letter in (("weight_ih_l0", "W"), ("weight_hh_l0", "U"), ("bias_ih_l0", "b")):
        pairs.append((stacked(dparams, letter), _gradient(getattr(peer, name))))
    return max(error(one, other) for one, other in pairs)
