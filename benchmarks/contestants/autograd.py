"""What PyTorch differentiates, whatever runs from inputs to outputs.

`forward` runs without recording for a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import BOTH, FORWARD
from benchmarks.problem import Arrays, Problem


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
