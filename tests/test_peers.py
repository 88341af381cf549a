"""The generated cells against PyTorch's own, in float64: outputs, states and every gradient."""

from __future__ import annotations

import pytest

from derive.check import numeric, peers
from derive.library import load


@pytest.mark.peers
@pytest.mark.parametrize("name", sorted(peers.PEERS))
@pytest.mark.parametrize("seed", range(5))
def test_pytorch_agrees(name, seed):
    pytest.importorskip("torch", reason="this is what make test-peers installs")
    cell = load(name)
    ok, figure, remark = peers.compare(cell, numeric.Trial(cell, seed=seed))
    assert ok is True, (figure, remark)


@pytest.mark.peers
def test_two_gates_exchanged_do_not_agree(monkeypatch):
    pytest.importorskip("torch", reason="this is what make test-peers installs")
    monkeypatch.setitem(peers.PEERS, "lstm", ("LSTM", ["_f", "_i", "_g", "_o"]))
    cell = load("lstm")
    assert peers.compare(cell, numeric.Trial(cell))[0] is False
