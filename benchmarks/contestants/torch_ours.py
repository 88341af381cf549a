"""Our layers for PyTorch: with the compiled kernel, and with PyTorch's operations alone."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor, nn

from benchmarks import compiled as compiled_cells
from benchmarks.contestants.autograd import hvp, of_sequence
from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import HVP
from benchmarks.problem import Arrays, Problem
from derive import build
from derive.compiler import generate


def compiled(problem: Problem, threads: int) -> Tasks:
    """The layer as `derive build --torch` makes it."""
    return tasks(problem, threads, compiled_cells.module(problem.name, build.tensors))


def plain(problem: Problem, threads: int) -> Tasks:
    """The layer as `derive generate --backend torch` writes it."""
    (text,) = generate(problem.cell, "torch").values()
    module = ModuleType(problem.cell.name)
    exec(compile(text, f"<{problem.cell.name}>", "exec"), vars(module))
    return tasks(problem, threads, module)


def tasks(problem: Problem, threads: int, module: ModuleType) -> Tasks:
    """What a module's layer does with sequences."""
    torch.set_num_threads(threads)
    (layer_class,) = (
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, nn.Module)
    )
    layer = layer_class(problem.shape.I, problem.shape.H)
    leaves = dict(layer.named_parameters())
    with torch.no_grad():
        for name, leaf in leaves.items():
            leaf.copy_(torch.from_numpy(problem.params[name]))
    directions = {name: torch.from_numpy(problem.params_dot[name]) for name in leaves}

    def run(xs: Tensor) -> Tensor:
        return layer(xs)[0]

    def named(tensors: dict[str, Tensor]) -> Arrays:
        return {name: tensor.detach().numpy() for name, tensor in tensors.items()}

    return of_sequence(problem, leaves, run, named) | {
        HVP: Task(hvp(problem, leaves, directions, run), named)
    }
