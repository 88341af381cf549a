"""The generated code: the NumPy module, and the compiled one, whose interface is the same.

Its `forward` always keeps a tape for `backward`, which libraries that are asked for the outputs
alone do not. The compiled module streams with its weights laid out once, as onnxruntime does.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks import compiled as compiled_cells
from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import BOTH, FORWARD, HVP, STEP
from benchmarks.problem import Problem, after_step


def numpy(problem: Problem, threads: int) -> Tasks:  # noqa: ARG001 - BLAS has read its variable
    """The NumPy module."""
    module, (params, params_dot, before) = problem.module, arguments(problem, problem.module)
    step = Task(
        lambda: module.step(params, problem.x, before),
        lambda found: after_step(problem.cell, found[1]),
    )
    return tasks(problem, module, params, params_dot) | {STEP: step}


def compiled(problem: Problem, threads: int) -> Tasks:
    """The compiled module."""
    module = compiled_cells.module(problem.name)
    module.set_threads(threads)
    params, params_dot, before = arguments(problem, module)
    stream, x = module.Stream(params, before), problem.x
    # It goes on from where it is: what a call returns is compared after the first one.
    step = Task(lambda: stream(x), lambda _: after_step(problem.cell, stream.state))
    return tasks(problem, module, params, params_dot) | {STEP: step}


def arguments(problem: Problem, module: ModuleType) -> tuple[Any, Any, Any]:
    """Parameters, a direction, and a state, as a module has them."""
    _, _, I, H = problem.shape
    params, params_dot = (module.Params(I, H, problem.xs.dtype) for _ in range(2))
    for name in params:
        params[name], params_dot[name] = problem.params[name], problem.params_dot[name]
    return params, params_dot, module.State(**problem.before)


def tasks(problem: Problem, module: ModuleType, params: Any, params_dot: Any) -> Tasks:
    """What a generated module does with sequences."""
    xs, dys = problem.xs, problem.dys

    def both() -> Any:
        ys, _, tape = module.forward(params, xs)
        return ys, *module.backward(params, tape, dys)

    def hvp() -> Any:
        _, _, tape = module.forward(params, xs)
        return module.hvp(params, tape, dys, params_dot)

    return {
        FORWARD: Task(lambda: module.forward(params, xs), lambda found: {"ys": found[0]}),
        BOTH: Task(both, lambda found: {"ys": found[0], **found[1], "dxs": found[2]}),
        HVP: Task(hvp, lambda found: dict(found[0])),
    }
