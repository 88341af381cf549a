"""PyTorch: its fused layers, and cells written by hand in a loop over steps, eager or compiled.

`forward` and one step run without recording for a gradient. Of the loop, `torch.compile` is given
the step: given the whole loop it unrolls it, and a hundred steps take minutes to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import BOTH, FORWARD, HVP, STEP
from benchmarks.problem import Arrays, Problem, after_step
from benchmarks.steps import WRITTEN
from derive.proof.peers import PEERS

F = SimpleNamespace(
    sigmoid=torch.sigmoid,
    tanh=torch.tanh,
    affine=lambda a, h, U: torch.addmm(a, h, U.t()),
    parts=lambda a, n: a.chunk(n, -1),
    rows=lambda a, n: a.chunk(n, 0),
    layer_norm=lambda a, scale, shift, eps: layer_norm(a, a.shape[-1:], scale, shift, eps),
)


def fused(problem: Problem, threads: int) -> Tasks:
    """A layer of `torch.nn` with the cell's equations; its tensors are put together of ours."""
    torch.set_num_threads(threads)
    peer = PEERS[problem.name]
    layer = getattr(torch.nn, peer.layer)(problem.shape.I, problem.shape.H)
    wanted = {name: parts.split() for name, parts in peer.tensors.items()}

    def tensor(numbers: Arrays, name: str, like: Tensor) -> Tensor:
        if name not in wanted:
            return torch.zeros_like(like)
        zeros = np.zeros(problem.shape.H, np.float32)
        parts = [sign(p) * numbers.get(p.removeprefix("-"), zeros) for p in wanted[name]]
        return torch.from_numpy(np.concatenate(parts))

    def named(tensors: dict[str, Tensor]) -> Arrays:
        found = {}
        for name, parts in wanted.items():
            blocks = tensors[name].detach().numpy()
            for part, block in zip(parts, np.split(blocks, len(parts)), strict=True):
                found[part.removeprefix("-")] = sign(part) * block
        return {name: found[name] for name in problem.params}

    leaves = dict(layer.named_parameters())
    directions = {k: tensor(problem.params_dot, k, leaf) for k, leaf in leaves.items()}
    with torch.no_grad():
        for name, leaf in leaves.items():
            leaf.copy_(tensor(problem.params, name, leaf))
    x = torch.from_numpy(problem.x)[None]
    states = [torch.from_numpy(s)[None] for s in problem.before.values()]
    before = states[0] if len(states) == 1 else tuple(states)

    def step() -> Any:
        with torch.no_grad():
            after = layer(x, before)[1]
        return [after] if len(states) == 1 else after

    tasks = of_sequence(problem, leaves, lambda xs: layer(xs)[0], named)
    read = lambda found: after_step(problem.cell, [s[0] for s in found])  # noqa: E731
    # The fused kernel has no second derivative: PyTorch's own loop, which it falls back to, has.
    second = hvp(problem, leaves, directions, lambda xs: layer(xs)[0])

    def unfused() -> Any:
        torch.backends.mkldnn.enabled = False
        try:
            return second()
        finally:
            torch.backends.mkldnn.enabled = True

    return tasks | {STEP: Task(step, read), HVP: Task(unfused, named)}


def eager(problem: Problem, threads: int) -> Tasks:
    """The step by hand, called from a loop in Python."""
    return loop(problem, threads, WRITTEN[problem.name].step)


def compiled(problem: Problem, threads: int) -> Tasks:
    """The same with the step compiled."""
    step = torch.compile(WRITTEN[problem.name].step, fullgraph=True, dynamic=False)
    return loop(problem, threads, step)


def loop(problem: Problem, threads: int, step: Callable[..., Any]) -> Tasks:
    torch.set_num_threads(threads)
    written = WRITTEN[problem.name]

    def stacked(numbers: Arrays) -> dict[str, Tensor]:
        return written.stacked(numbers, lambda parts: torch.from_numpy(np.concatenate(parts)))

    def named(tensors: dict[str, Tensor]) -> Arrays:
        return written.named({k: tensor.detach().numpy() for k, tensor in tensors.items()})

    leaves = {k: tensor.requires_grad_() for k, tensor in stacked(problem.params).items()}
    zeros = [torch.zeros(s.shape) for s in problem.before.values()]
    x = torch.from_numpy(problem.x)[None]
    before = [torch.from_numpy(s) for s in problem.before.values()]

    def run(xs: Tensor) -> Tensor:
        given, inputs = written.before(F, leaves, xs)
        states, ys = zeros, []
        for a in inputs.unbind():
            states = step(F, given, a, *states)
            ys.append(states[0])
        return torch.stack(ys)

    def one() -> Any:
        with torch.no_grad():
            given, inputs = written.before(F, leaves, x)
            return step(F, given, inputs[0], *before)

    return of_sequence(problem, leaves, run, named) | {
        STEP: Task(one, partial(after_step, problem.cell)),
        HVP: Task(hvp(problem, leaves, stacked(problem.params_dot), run), named),
    }


def of_sequence(
    problem: Problem,
    leaves: dict[str, Tensor],
    run: Callable[[Tensor], Tensor],
    named: Callable[[dict[str, Tensor]], Arrays],
) -> Tasks:
    """Forward, and forward and backward, of what runs from inputs to outputs."""
    inputs, dys = torch.from_numpy(problem.xs), torch.from_numpy(problem.dys)
    recorded = inputs.clone().requires_grad_()

    def forward() -> Any:
        with torch.no_grad():
            return run(inputs)

    def both() -> Any:
        ys = run(recorded)
        dxs, *gradients = torch.autograd.grad(ys, [recorded, *leaves.values()], dys)
        return ys, dxs, dict(zip(leaves, gradients, strict=True))

    def read(found: Any) -> Arrays:
        ys, dxs, gradients = found
        return {"ys": ys.detach().numpy(), "dxs": dxs.numpy(), **named(gradients)}

    return {FORWARD: Task(forward, lambda ys: {"ys": ys.numpy()}), BOTH: Task(both, read)}


def hvp(
    problem: Problem,
    leaves: dict[str, Tensor],
    directions: dict[str, Tensor],
    run: Callable[[Tensor], Tensor],
) -> Callable[[], dict[str, Tensor]]:
    """The gradient of the gradient's product with the direction: backward through backward."""
    inputs, dys = torch.from_numpy(problem.xs), torch.from_numpy(problem.dys)

    def product() -> dict[str, Tensor]:
        by = list(leaves.values())
        gradients = torch.autograd.grad(run(inputs), by, dys, create_graph=True)
        found = torch.autograd.grad(gradients, by, list(directions.values()))
        return dict(zip(leaves, found, strict=True))

    return product


def sign(part: str) -> np.float32:
    return np.float32(-1 if part.startswith("-") else 1)
