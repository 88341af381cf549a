"""PyTorch's own layers, whose tensors are put together of our parameters.

The fused kernel has no second derivative: for the Hessian's product PyTorch runs its own loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.contestants.autograd import hvp, of_sequence
from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import HVP, STEP
from benchmarks.problem import Array, Arrays, Problem, after_step
from derive.proof.peers import PEERS


def fused(problem: Problem, threads: int) -> Tasks:
    """A layer of `torch.nn` with the cell's equations."""
    torch.set_num_threads(threads)
    layer = getattr(torch.nn, PEERS[problem.name].layer)(problem.shape.I, problem.shape.H)
    leaves = dict(layer.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors(problem, problem.params, leaves).items():
            leaves[name].copy_(tensor)
    directions = tensors(problem, problem.params_dot, leaves)

    def run(xs: Tensor) -> Tensor:
        return layer(xs)[0]

    def named(tensors: dict[str, Tensor]) -> Arrays:
        return ours(problem, tensors)

    product = without_kernel(hvp(problem, leaves, directions, run))
    return of_sequence(problem, leaves, run, named) | {
        STEP: step(problem, layer),
        HVP: Task(product, named),
    }


def step(problem: Problem, layer: torch.nn.RNNBase) -> Task:
    """A sequence of one step."""
    x = torch.from_numpy(problem.x)[None]
    states = [torch.from_numpy(state)[None] for state in problem.before.values()]
    before = states[0] if len(states) == 1 else tuple(states)

    def run() -> Any:
        with torch.no_grad():
            return layer(x, before)[1]

    def named(after: Any) -> Arrays:
        after = [after] if len(states) == 1 else after
        return after_step(problem.cell, [state[0] for state in after])

    return Task(run, named)


def without_kernel(run: Callable[[], Any]) -> Callable[[], Any]:
    """The same, without oneDNN."""

    def slower() -> Any:
        torch.backends.mkldnn.enabled = False
        try:
            return run()
        finally:
            torch.backends.mkldnn.enabled = True

    return slower


def tensors(problem: Problem, numbers: Arrays, like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our parameters, or a direction among them, as the layer's tensors."""
    numbers = numbers | {"0": np.zeros(problem.shape.H, np.float32)}
    made = {name: torch.zeros_like(tensor) for name, tensor in like.items()}
    for name, parts in PEERS[problem.name].tensors.items():
        blocks = [signed(part, numbers[part.removeprefix("-")]) for part in parts.split()]
        made[name] = torch.from_numpy(np.concatenate(blocks))
    return made


def ours(problem: Problem, tensors: dict[str, Tensor]) -> Arrays:
    """The same back: gradients by our parameters."""
    found = {}
    for name, parts in PEERS[problem.name].tensors.items():
        blocks = np.split(tensors[name].detach().numpy(), len(parts.split()))
        for part, block in zip(parts.split(), blocks, strict=True):
            found[part.removeprefix("-")] = signed(part, block)
    return {name: found[name] for name in problem.params}


def signed(part: str, block: Array) -> Array:
    return -block if part.startswith("-") else block
