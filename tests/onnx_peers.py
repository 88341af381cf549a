"""ONNX's recurrent operators, and the generated cells in their place.

`PEERS` says which cell has the equations of which operator, and which of our parameters lie where
in its tensors. The conventions that differ:

- One above the other lie, for the LSTM, the gates i, o, f, c (our g); for the GRU z, r, h (our n).
  The peepholes P are i, o, f.
- There are two biases, B = Wb | Rb, where one would do: their sum is our b. In the GRU that resets
  after the product (linear_before_reset=1) the second one of h is a parameter of its own, our d_n.
- The GRU's z is there the share of what is old, here of what is new, z ↔ 1 - z: our parameters of
  that gate are theirs negated, since sigmoid(-a) = 1 - sigmoid(a).
- input_forget=1 couples f = 1 - i, and does not look at the blocks of f. So does our lstm_cifg,
  whose i is theirs. Our lstm_coupled has i = 1 - f: its f is their i negated.
- Y is (T, directions, B, H), final states are (directions, B, H). What runs backwards is here the
  same cell on the reversed inputs; layout=1 puts B first.
- A sequence of length zero ends in zeros in onnxruntime, here in its initial state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

INPUTS = "X W R B sequence_lens initial_h initial_c P".split()
OUTPUTS = {"RNN": ["Y", "Y_h"], "LSTM": ["Y", "Y_h", "Y_c"], "GRU": ["Y", "Y_h"]}

TURNS = {"forward": [1], "reverse": [-1], "bidirectional": [1, -1]}  # xs[::turn] of each direction


@dataclass(frozen=True)
class Peer:
    """An operator with a cell's equations.

    op          its name
    gates       our gates in its order; "-" before one says negated, "_" is one we have not
    attributes  what the node is made with
    """

    op: str
    gates: str
    attributes: dict[str, Any] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The gates; the RNN's one has no name."""
        return self.gates.split() or [""]


PEERS = {
    "rnn:activation=tanh": Peer("RNN", ""),
    "rnn:activation=relu": Peer("RNN", "", {"activations": ["Relu"]}),
    "lstm": Peer("LSTM", "i o f g"),
    "lstm_np": Peer("LSTM", "i o f g"),
    "lstm_peephole": Peer("LSTM", "i o f g"),
    "lstm_coupled": Peer("LSTM", "-f o _ g", {"input_forget": 1}),
    "lstm_cifg": Peer("LSTM", "i o _ g", {"input_forget": 1}),
    "gru:reset=before": Peer("GRU", "-z r n"),
    "gru:reset=after": Peer("GRU", "-z r n", {"linear_before_reset": 1}),
}


def node(op: str, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """A model of one node."""
    from onnx import helper

    def info(name: str, array: Any = None) -> Any:
        dtype = (inputs["X"] if array is None else array).dtype
        shape = None if array is None else array.shape
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)

    names = [name if name in inputs else "" for name in INPUTS]
    while not names[-1]:
        names.pop()
    size = inputs["R"].shape[-1]
    graph = helper.make_graph(
        [helper.make_node(op, names, OUTPUTS[op], hidden_size=size, **attributes)],
        op,
        [info(name, inputs[name]) for name in names if name],
        [info(name) for name in OUTPUTS[op]],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def by_onnxruntime(op: str, inputs: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """The node's outputs by onnxruntime, which has it in float32 only."""
    import onnxruntime

    model = node(op, inputs, attributes).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return dict(zip(OUTPUTS[op], session.run(None, inputs), strict=True))


def by_reference(op: str, inputs: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """The node's outputs by ONNX's own reference implementation, in the inputs' dtype. It knows
    neither sequence_lens nor input_forget, nor activations but the usual."""
    from onnx.reference import ReferenceEvaluator

    outputs = ReferenceEvaluator(node(op, inputs, attributes)).run(None, inputs)
    return dict(zip(OUTPUTS[op], outputs, strict=True))


def by_our_cell(
    module: Any,
    peer: Peer,
    inputs: dict[str, Any],
    direction: str = "forward",
    layout: int = 0,
) -> dict[str, Any]:
    """The node's outputs by a generated module, in float64."""
    inputs = {k: v if k == "sequence_lens" else v.astype(float) for k, v in inputs.items()}
    if layout:
        batchwise = {"X", "initial_h", "initial_c"} & inputs.keys()
        inputs |= {name: inputs[name].swapaxes(0, 1) for name in batchwise}
    xs, lengths = inputs["X"], inputs.get("sequence_lens")
    assert direction == "forward" or lengths is None, "each sequence would be reversed by itself"
    starts = [inputs[k] for k in ("initial_h", "initial_c") if k in inputs]
    found = []
    for k, turn in enumerate(TURNS[direction]):
        tensors = {name: inputs[name][k] for name in "WRBP" if name in inputs}
        params = params_of(module, peer, tensors)
        state = module.State(*(start[k] for start in starts)) if starts else None
        ys, final, _ = module.forward(params, xs[::turn], state, lengths)
        found.append((ys[::turn], *final))
    outputs = [np.stack(arrays) for arrays in zip(*found, strict=True)]
    outputs[0] = outputs[0].swapaxes(0, 1)
    if layout:
        outputs = [np.moveaxis(array, -2, 0) for array in outputs]
    return dict(zip(OUTPUTS[peer.op], outputs, strict=True))


def params_of(module: Any, peer: Peer, tensors: dict[str, Any]) -> Any:
    """The tensors of one direction as our parameters, every one of them."""
    gates, (rows, size) = peer.names(), tensors["R"].shape
    Wb, Rb = np.split(tensors.get("B", np.zeros(2 * rows)), 2)
    P = tensors.get("P", np.zeros(3 * size))
    theirs = {"W": tensors["W"], "U": tensors["R"], "b": Wb + Rb, "p": P}
    if "d_n" in module.Params.SHAPES:
        last = np.arange(rows) >= rows - size
        theirs |= {"b": Wb + np.where(last, 0, Rb), "d": Rb}

    params, missing = module.Params(tensors["W"].shape[1], size), set(module.Params.SHAPES)
    for letter, tensor in theirs.items():
        for gate, block in zip(gates, np.split(tensor, len(tensor) // size), strict=letter != "p"):
            name = "_".join(filter(None, (letter, gate.lstrip("-"))))
            if name in params:
                params[name] = -block if gate.startswith("-") else block
                missing.remove(name)
    assert not missing, missing
    return params


def exchanged(inputs: dict[str, Any], one: int, other: int) -> dict[str, Any]:
    """The same node with two gates in each other's place in W, R and B."""
    rows, size = inputs["R"].shape[1:]
    order = np.arange(rows // size)
    order[[one, other]] = other, one
    index = (order[:, None] * size + np.arange(size)).ravel()
    result = {**inputs, "W": inputs["W"][:, index], "R": inputs["R"][:, index]}
    if "B" in inputs:
        result["B"] = inputs["B"][:, np.concatenate([index, rows + index])]
    return result


def transposed(inputs: dict[str, Any]) -> dict[str, Any]:
    """The same node with every gate's recurrent matrix transposed."""
    directions, _, size = inputs["R"].shape
    R = inputs["R"].reshape(directions, -1, size, size).swapaxes(-1, -2)
    return {**inputs, "R": R.reshape(inputs["R"].shape)}
