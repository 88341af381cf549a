"""What a generated module is given at every step: one array, or several in its `Inputs`."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.evaluation.arrays import Array, Sizes, extent


def arrays(given: Any) -> list[Array]:
    """The arrays, in the order of the cell's inputs."""
    return list(given) if isinstance(given, tuple) else [given]


def tupled(module: ModuleType, some: Iterable[Array]) -> Any:
    """Arrays in the order of the cell's inputs, as a module takes them."""
    some = list(some)
    return module.Inputs(*some) if len(some) > 1 else some[0]


def drawn(cell: Cell, sizes: Sizes, leading: tuple[int, ...], rng: Any) -> list[Array]:
    """Random inputs, each (*leading, …). Vectors are normal, and numbers positive, as a time is."""
    shapes = [(*leading, *extent(q.axes, sizes)) for q in cell.inputs]
    return [
        rng.standard_normal(shape) if q.axes else rng.uniform(0.2, 1.8, shape)
        for q, shape in zip(cell.inputs, shapes, strict=True)
    ]


def leading(cell: Cell, module: ModuleType, sizes: Sizes, first: Array) -> Any:
    """What a module takes where the first input is this, (…, n), and every other is 1."""
    outer = first.shape[:-1]
    others = [np.ones((*outer, *extent(q.axes, sizes))) for q in cell.inputs[1:]]
    return tupled(module, [first if cell.input.axes else first[..., 0], *others])


def steps(module: ModuleType, xs: Any) -> list[Any]:
    """The inputs of each step by themselves."""
    return [tupled(module, each) for each in zip(*arrays(xs), strict=True)]


def number(cell: Cell, t: int) -> tuple[int, ...]:
    """What `step` takes besides in step t: its number, where the cell reads it."""
    return () if cell.number is None else (t,)
