"""The generated code: the NumPy module, and the compiled one, whose interface is the same.

Its `forward` always keeps a tape for `backward`, which libraries that are asked for the outputs
alone do not.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import BOTH, FORWARD, HVP, STEP
from benchmarks.problem import Problem, after_step


def numpy(problem: Problem, threads: int) -> Tasks:  # noqa: ARG001 - BLAS has read its variable
    """The NumPy module."""
    return tasks(problem, problem.module)


def tasks(problem: Problem, module: ModuleType) -> Tasks:
    """All that a generated module does."""
    _, _, I, H = problem.shape
    params, params_dot = (module.Params(I, H, problem.xs.dtype) for _ in range(2))
    for name in params:
        params[name], params_dot[name] = problem.params[name], problem.params_dot[name]
    xs, dys, x = problem.xs, problem.dys, problem.x
    before = module.State(**problem.before)

    def both() -> Any:
        ys, _, tape = module.forward(params, xs)
        return ys, *module.backward(params, tape, dys)

    def hvp() -> Any:
        _, _, tape = module.forward(params, xs)
        return module.hvp(params, tape, dys, params_dot)

    return {
        FORWARD: Task(lambda: module.forward(params, xs), lambda found: {"ys": found[0]}),
        BOTH: Task(both, lambda found: {"ys": found[0], **found[1], "dxs": found[2]}),
        STEP: Task(
            lambda: module.step(params, x, before),
            lambda found: after_step(problem.cell, found[1]),
        ),
        HVP: Task(hvp, lambda found: dict(found[0])),
    }
