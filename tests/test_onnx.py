"""The generated cells against ONNX's operators RNN, LSTM and GRU: what a step means, with weights,
gate orders, peepholes, activations and ragged lengths by people who never saw this project.

- against onnxruntime, at random weights, all sizes different. It computes in float32, we in
  float64. A float32 number is right to 6e-8 of its size, a sum of ten products of size 1 to a few
  times that, and seven steps of a recurrence pass it on: 1e-5 of the largest output is ten to a
  hundred times what rounding does, and far below what an exchanged gate does (1e-2 and more).
- against ONNX's reference implementation, in float64, at random weights: to 1e-12.
- against the node test suite that ships with ONNX, all its recurrent cases. In most of them every
  weight is the same number, and the sequences of four of its six LSTM cases have one step. No LSTM
  case notices exchanged gates or a transposed recurrent matrix; that is tested here, too, and that
  the random weights do.

`onnx_peers` has the conventions in which ONNX and we differ.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import onnx_peers
import pytest
from onnx_peers import PEERS, Peer, by_onnxruntime, by_our_cell, by_reference

from derive import compiler
from derive.language import (
    Cell,
    H,
    I,
    Input,
    Matrix,
    State,
    Vector,
    absolute,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
)
from derive.library import load

pytestmark = pytest.mark.peers

T, B, INPUT_SIZE, HIDDEN_SIZE = 7, 3, 4, 5
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
BOUND = 1e-5  # float32, see above


@pytest.fixture(autouse=True)
def _installed():
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name, reason="this is what make test-peers installs")


# --- cells with activations that no built-in cell has ---------------------------------------------


def hard_sigmoid(a, alpha, beta):
    return minimum(maximum(alpha * a + beta, 0), 1)


class OtherLSTM(Cell):
    """LSTM with peepholes and three other activations."""

    x = Input()
    h, c = State(), State()
    W, U, p, b = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    i = hard_sigmoid(W.i @ x + U.i @ h + p.i * c + b.i, 0.3, 0.4)
    f = hard_sigmoid(W.f @ x + U.f @ h + p.f * c + b.f, 0.3, 0.4)
    a = W.g @ x + U.g @ h + b.g
    g = a / (1 + absolute(a))
    c_next = f * c + i * g
    o = hard_sigmoid(W.o @ x + U.o @ h + p.o * c_next + b.o, 0.3, 0.4)
    h_next = o * relu(c_next)


class OtherGRU(Cell):
    """GRU, reset before the product, whose z is the share of what is old."""

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    z = sigmoid(W.z @ x + U.z @ h + b.z)
    r = sigmoid(W.r @ x + U.r @ h + b.r)
    n = softplus(W.n @ x + U.n @ (r * h) + b.n)
    h_next = (1 - z) * n + z * h


def activations(names, alpha=(), beta=()):
    """A node's attributes; alpha and beta are for those of the functions that take them, in order.
    Affine with 1 and 0 is the identity."""
    given = {"activation_alpha": list(alpha), "activation_beta": list(beta)}
    return {"activations": names.split(), **{k: v for k, v in given.items() if v}}


OTHERS = {
    "lstm_niaf": Peer("LSTM", "i o f g", activations("Sigmoid Affine Tanh", [1.0], [0.0])),
    "lstm_noaf": Peer("LSTM", "i o f g", activations("Sigmoid Tanh Affine", [1.0], [0.0])),
    "otherlstm": Peer("LSTM", "i o f g", activations("HardSigmoid Softsign Relu", [0.3], [0.4])),
    "othergru": Peer("GRU", "z r n", activations("Sigmoid Softplus")),
}
ALL = {**PEERS, **OTHERS}
IN_REFERENCE = "rnn:activation=tanh lstm lstm_peephole gru:reset=before gru:reset=after".split()


@cache
def module(name):
    """The module generated from a cell."""
    written = {cell.name: cell for cell in (OtherLSTM, OtherGRU)}
    return compiler.module(written[name] if name in written else load(name))


def drawn(name, seed, dtype=np.float32, lengths=None):
    """Random inputs of a node, initial states included."""
    draw = np.random.default_rng(seed).standard_normal
    rows = GATES[ALL[name].op] * HIDDEN_SIZE
    inputs = {
        "X": draw((T, B, INPUT_SIZE)),
        "W": 0.5 * draw((1, rows, INPUT_SIZE)),
        "R": 0.5 * draw((1, rows, HIDDEN_SIZE)),
        "B": 0.5 * draw((1, 2 * rows)),
        "initial_h": draw((1, B, HIDDEN_SIZE)),
    }
    if ALL[name].op == "LSTM":
        inputs["initial_c"] = draw((1, B, HIDDEN_SIZE))
        if "p_i" in module(name).Params.SHAPES:
            inputs["P"] = 0.5 * draw((1, 3 * HIDDEN_SIZE))
    inputs = {key: value.astype(dtype) for key, value in inputs.items()}
    if lengths is not None:
        inputs["sequence_lens"] = np.array(lengths, np.int32)
    return inputs


def error(ours, theirs):
    """The largest difference of any output, of the largest entry of all, but at least of 1."""
    names = list(theirs)
    assert all(ours[name].shape == theirs[name].shape for name in names)
    scale = max(1.0, *(float(np.abs(theirs[name]).max()) for name in names))
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in names) / scale


def ours(name, inputs):
    return by_our_cell(module(name), ALL[name], inputs)


# --- random weights -------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [None, [7, 4, 1], [2, 7, 5]], ids=["whole", "to 1", "unsorted"])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", range(5))
def test_onnxruntime_agrees(name, seed, lengths):
    peer, inputs = ALL[name], drawn(name, seed, lengths=lengths)
    theirs = by_onnxruntime(peer.op, inputs, peer.attributes)
    found = error(ours(name, inputs), theirs)
    assert found < BOUND
    if lengths is not None:  # what sequence_lens means, in so many words
        for k, length in enumerate(lengths):
            assert not theirs["Y"][length:, 0, k].any()
            assert (theirs["Y"][length - 1, 0, k] == theirs["Y_h"][0, k]).all()


@pytest.mark.parametrize("name", IN_REFERENCE)
@pytest.mark.parametrize("seed", range(5))
def test_the_reference_implementation_agrees_in_double(name, seed):
    peer, inputs = PEERS[name], drawn(name, seed, np.float64)
    assert error(ours(name, inputs), by_reference(peer.op, inputs, peer.attributes)) < 1e-12


def mutants(inputs):
    """The node with each pair of gates exchanged, and with recurrent matrices transposed."""
    rows, size = inputs["R"].shape[1:]
    pairs = combinations(range(rows // size), 2)
    return [*(onnx_peers.exchanged(inputs, *pair) for pair in pairs), onnx_peers.transposed(inputs)]


@pytest.mark.parametrize("name", ALL)
def test_random_weights_notice_exchanged_gates_and_a_transposed_matrix(name):
    peer, inputs = ALL[name], drawn(name, seed=0)
    theirs = by_onnxruntime(peer.op, inputs, peer.attributes)
    assert all(error(ours(name, mutant), theirs) > 1000 * BOUND for mutant in mutants(inputs))


@pytest.mark.parametrize("name", "lstm_peephole lstm_cifg lstm_niaf lstm_noaf otherlstm".split())
def test_random_weights_notice_the_peepholes(name):
    peer, inputs = ALL[name], drawn(name, seed=0)
    theirs = by_onnxruntime(peer.op, inputs, peer.attributes)
    p_i, p_o, p_f = np.split(inputs["P"], 3, axis=1)
    for other in ([p_o, p_i, p_f], [0 * p_i, p_o, p_f], [p_i, 0 * p_o, p_f]):
        changed = {**inputs, "P": np.concatenate(other, axis=1)}
        assert error(ours(name, changed), theirs) > 1000 * BOUND


@pytest.mark.parametrize(
    ("name", "gates"),
    [("gru:reset=before", "z r n"), ("gru:reset=after", "z r n"), ("lstm_coupled", "f o _ g")],
)
def test_random_weights_notice_the_sign_of_a_gate(name, gates):
    peer, inputs = ALL[name], drawn(name, seed=0)
    theirs = by_onnxruntime(peer.op, inputs, peer.attributes)
    found = by_our_cell(module(name), replace(peer, gates=gates), inputs)
    assert error(found, theirs) > 1000 * BOUND


def test_random_weights_notice_which_bias_is_reset():
    name, inputs = "gru:reset=after", drawn("gru:reset=after", seed=0)
    theirs = by_onnxruntime("GRU", inputs, PEERS[name].attributes)
    inputs["B"] = np.roll(inputs["B"], inputs["B"].size // 2)
    assert error(ours(name, inputs), theirs) > 1000 * BOUND


@pytest.mark.parametrize("name", ["rnn:activation=tanh", "lstm", "gru:reset=after"])
def test_a_sequence_of_length_zero_ends_where_it_starts(name):
    peer, inputs = ALL[name], drawn(name, seed=0, lengths=[7, 0, 3])
    theirs, found = by_onnxruntime(peer.op, inputs, peer.attributes), ours(name, inputs)
    assert error({"Y": found["Y"]}, {"Y": theirs["Y"]}) < BOUND
    assert not theirs["Y_h"][0, 1].any()
    assert (found["Y_h"][0, 1] == inputs["initial_h"][0, 1]).all()


# --- ONNX's own cases -----------------------------------------------------------------------------

# Every recurrent one of the suite; none is left out.
CASES = """
    test_simple_rnn_defaults test_simple_rnn_with_initial_bias test_rnn_seq_length
    test_simple_rnn_batchwise test_simple_rnn_reverse test_simple_rnn_bidirectional
    test_lstm_defaults test_lstm_with_initial_bias test_lstm_with_peepholes
    test_lstm_batchwise test_lstm_reverse test_lstm_bidirectional
    test_gru_defaults test_gru_with_initial_bias test_gru_seq_length
    test_gru_batchwise test_gru_reverse test_gru_bidirectional
""".split()


@cache
def suite():
    """The cases by name. They come into being when the modules that have them are imported."""
    folder = "onnx.backend.test.case.node"
    for name in ("rnn", "lstm", "gru"):
        importlib.import_module(f"{folder}.{name}")
    cases = importlib.import_module(folder)._NodeTestCases
    return {case.name: case for case in cases if case.model.graph.node[0].op_type in GATES}


def read(case):
    """Our cell, the inputs, the expected outputs and the attributes of a case with one data set."""
    from onnx.helper import get_attribute_value

    (node,) = case.model.graph.node
    ((values, expected),) = case.data_sets
    names = [k for k, name in zip(onnx_peers.INPUTS, node.input, strict=False) if name]
    inputs = dict(zip(names, values, strict=True))
    known = onnx_peers.OUTPUTS[node.op_type]
    outputs = [k for k, name in zip(known, node.output, strict=False) if name]
    attributes = {a.name: get_attribute_value(a) for a in node.attribute}
    attributes["direction"] = attributes.get("direction", b"forward").decode()
    attributes.pop("hidden_size")
    assert attributes.keys() <= {"direction", "layout"}, "another attribute would be ignored"
    cell = {"RNN": "rnn:activation=tanh", "GRU": "gru:reset=before"}.get(node.op_type, "lstm")
    cell = "lstm_peephole" if "P" in inputs else cell
    return cell, inputs, dict(zip(outputs, expected, strict=True)), attributes


def case_error(case, change=lambda inputs: inputs):
    """How far our outputs are from those that a case expects."""
    cell, inputs, expected, attributes = read(case)
    return error(by_our_cell(module(cell), PEERS[cell], change(inputs), **attributes), expected)


def test_no_case_is_left_out():
    assert sorted(suite()) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_suite_agrees(name):
    assert case_error(suite()[name]) < 1e-6


def test_the_suite_does_not_notice_exchanged_gates_or_a_transposed_matrix():
    noticing = set()
    for name in CASES:
        count = len(mutants(read(suite()[name])[1]))
        errors = [case_error(suite()[name], lambda i, k=k: mutants(i)[k]) for k in range(count)]
        if max(errors) > 1e-6:
            noticing.add(name)
    assert noticing == {"test_rnn_seq_length", "test_gru_seq_length"}  # random weights
