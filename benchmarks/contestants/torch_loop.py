"""PyTorch: the cells written by hand in a loop over steps, eager or compiled.

`torch.compile` is given the step: given the whole loop it unrolls it, and a hundred steps take
minutes to compile.
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

from benchmarks.contestants.autograd import hvp, of_sequence
from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import HVP, STEP
from benchmarks.problem import Arrays, Problem, after_step
from benchmarks.steps import WRITTEN

F = SimpleNamespace(
    sigmoid=torch.sigmoid,
    tanh=torch.tanh,
    affine=lambda a, h, U: torch.addmm(a, h, U.t()),
    parts=lambda a, n: a.chunk(n, -1),
    rows=lambda a, n: a.chunk(n, 0),
    layer_norm=lambda a, scale, shift, eps: layer_norm(a, a.shape[-1:], scale, shift, eps),
)


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
