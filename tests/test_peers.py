"""The generated cells against PyTorch's own, in float64: outputs, states and every gradient; and
what `derive check` says of a cell that PyTorch does not have. Against ONNX: test_onnx.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.library import FOLDER, load
from derive.proof import peers
from derive.proof.trial import Trial

LSTM_FILE = (FOLDER / "lstm.py").read_text(encoding="utf-8")


def outcome(cell, seed=0):
    """What `derive check` says in its row `peer`."""
    return peers.compare(cell, Trial(cell, seed=seed))


@pytest.fixture
def own_cell(tmp_path):
    """A person's own cell, from a file that is called lstm.py."""

    def write(text):
        path = tmp_path / "lstm.py"
        path.write_text(text, encoding="utf-8")
        return load(str(path))

    return write


@pytest.mark.peers
@pytest.mark.parametrize("name", peers.PEERS)
@pytest.mark.parametrize("seed", range(5))
def test_pytorch_agrees(name, seed):
    pytest.importorskip("torch", reason="this is what make test-peers installs")
    ok, figure, remark, *_ = outcome(load(name), seed)
    assert ok is True, (figure, remark)


@pytest.mark.peers
@pytest.mark.parametrize(
    ("name", "tensor", "wrong"),
    [
        ("lstm", "weight_ih_l0", "W_f W_i W_g W_o"),
        ("lstm", "bias_ih_l0", "b_i b_f b_o b_g"),
        ("gru:reset=after", "weight_hh_l0", "U_r U_z U_n"),
        ("gru:reset=after", "bias_ih_l0", "b_r b_z b_n"),
        ("gru:reset=after", "bias_hh_l0", "0 0 0"),
        ("rnn:activation=relu", "weight_hh_l0", "-U"),
    ],
)
def test_other_parameters_do_not_agree(monkeypatch, name, tensor, wrong):
    pytest.importorskip("torch", reason="this is what make test-peers installs")
    peer = peers.PEERS[name]
    monkeypatch.setitem(peers.PEERS, name, replace(peer, tensors={**peer.tensors, tensor: wrong}))
    assert outcome(load(name))[0] is False


@pytest.mark.peers
def test_a_copy_of_a_cell_is_compared(own_cell):
    pytest.importorskip("torch", reason="this is what make test-peers installs")
    lines = LSTM_FILE.splitlines(keepends=True)
    at = next(k for k, line in enumerate(lines) if " o = " in line)
    lines.insert(at - 2, lines.pop(at))  # in another order
    assert outcome(own_cell("".join(lines)))[0] is True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("o * tanh(c_next)", "o * c_next"),  # another function
        ("f * c + i * g", "f * g + i * c"),
        ("U.o @ h", "U.o @ (0.5 * h)"),
        ("h, c = State(), State()", "c, h = State(), State()"),  # another output
        ("W.o @ x + U.o @ h + b.o", "W.o @ x + U.o @ h"),  # a parameter less
    ],
)
def test_another_cell_of_that_name_is_not_compared(own_cell, old, new):
    text = LSTM_FILE.replace(old, new)
    assert text != LSTM_FILE
    ok, figure, remark, *_ = outcome(own_cell(text))
    assert (ok, figure) == (None, "-")
    assert remark == "its equations are not those of torch.nn.LSTM"


@pytest.mark.parametrize("name", ["gru", "lstm_projection", "lstm_peephole", "mgu"])
def test_no_peer(name):
    assert outcome(load(name))[:3] == (None, "-", "PyTorch has no layer of this cell")


@pytest.mark.parametrize("name", peers.PEERS)
def test_without_pytorch(monkeypatch, name):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    assert outcome(load(name))[:3] == (None, "-", "PyTorch is not installed: make test-peers")
