"""What each contestant is given: the same numbers, under the names that the cell's equations have.

The loss is the sum of `dys * ys`. So everybody computes the outputs `ys` from `params` and `xs`,
the gradients by all parameters and by `xs`, and, along the direction `params_dot`, how those of the
parameters change: the Hessian times a vector.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.grid import Shape
from derive import compiler, library
from derive.cell import Cell

Array = NDArray[np.floating]
Arrays = dict[str, Array]


class Problem:
    """A cell, sizes, and numbers, the same whenever it is made.

    `params` and `params_dot` by name; `xs` (T, B, I), `dys` (T, B, H); for one step the input `x`
    (B, I) and the state `before`, each (B, H). All are float32, or those numbers in float64.
    """

    def __init__(self, name: str, shape: Shape, dtype: type = np.float32) -> None:
        self.name, self.shape = name, shape
        T, B, I, H = shape
        rng = np.random.default_rng(0)

        def draw(*shape: int) -> Array:
            return normal(rng, *shape).astype(dtype)

        params = self.module.init(rng, I, H, dtype=np.float32)
        self.params: Arrays = {k: v.astype(dtype) for k, v in params.items()}
        self.params_dot: Arrays = {k: draw(*v.shape) for k, v in params.items()}
        self.xs, self.dys, self.x = draw(T, B, I), draw(T, B, H), draw(B, I)
        self.before: Arrays = {s.name: draw(B, H) / 2 for s in self.cell.states}

    @property
    def cell(self) -> Cell:
        return loaded(self.name)

    @property
    def module(self) -> ModuleType:
        """The cell's NumPy module."""
        return derived(self.name)


@cache
def loaded(name: str) -> Cell:
    return library.load(name)


@cache
def derived(name: str) -> ModuleType:
    return compiler.module(loaded(name))


def normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape, dtype=np.float32)


def after_step(cell: Cell, states: Any) -> Arrays:
    """The results of one step: its new states by name, the output one of them."""
    return {f"{s.name}_next": np.asarray(v) for s, v in zip(cell.states, states, strict=True)}
