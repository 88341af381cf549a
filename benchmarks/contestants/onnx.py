"""onnxruntime: a graph of ONNX's LSTM or GRU, forward and one step.

ONNX's gates lie in the order i o f c (our g), and z r h (our n); the GRU's z is there the share of
what is old, so that ours is negated; the second half of its bias is zero but for our d_n.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import FORWARD, STEP
from benchmarks.problem import Array, Problem, after_step

OPERATORS: dict[str, tuple[str, list[str], dict[str, int]]] = {
    "lstm": ("LSTM", "i o f g".split(), {}),
    "gru:reset=after": ("GRU", "-z r n".split(), {"linear_before_reset": 1}),
}


def graph(problem: Problem, threads: int) -> Tasks:
    run = session(problem, threads)
    states = problem.before.values()
    zeros = [np.zeros_like(state)[None] for state in states]
    starts = [state[None] for state in states]
    x = problem.x[None]
    return {
        FORWARD: Task(lambda: run(problem.xs, zeros), lambda found: {"ys": found[0][:, 0]}),
        STEP: Task(
            lambda: run(x, starts),
            lambda found: after_step(problem.cell, [state[0] for state in found[1:]]),
        ),
    }


def session(problem: Problem, threads: int) -> Callable[[Array, list[Array]], list[Array]]:
    """What runs the graph: from the inputs and first states to the outputs and last states."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    model = written(problem).SerializeToString()
    runtime = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in runtime.get_inputs()]
    return lambda xs, states: runtime.run(None, dict(zip(names, [xs, *states], strict=True)))


def written(problem: Problem) -> Any:
    """A model of one operator whose weights are constants."""
    op, gates, attributes = OPERATORS[problem.name]
    H, params = problem.shape.H, problem.params

    def stack(letter: str) -> Array:
        parts = [(-1 if g[0] == "-" else 1) * params[f"{letter}_{g[-1]}"] for g in gates]
        return np.concatenate(parts)

    second = np.zeros(len(gates) * H, np.float32)
    if "d_n" in params:
        second[-H:] = params["d_n"]
    weights = {"W": stack("W"), "R": stack("U"), "B": np.concatenate([stack("b"), second])}
    starts, ends = ([f"{when}_{name}" for name in problem.before] for when in ("initial", "final"))
    node = helper.make_node(
        op, ["X", *weights, "", *starts], ["Y", *ends], hidden_size=H, **attributes
    )

    def info(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)

    made = helper.make_graph(
        [node],
        op,
        [info(name) for name in ("X", *starts)],
        [info(name) for name in ("Y", *ends)],
        [numpy_helper.from_array(array[None], name) for name, array in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
