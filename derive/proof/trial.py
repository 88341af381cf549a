"""A generated module at a random point, for the proof by numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from derive import compiler
from derive.cell import Cell
from derive.evaluation import inputs
from derive.nodes import Axis, H, I
from derive.proof.held import Held, is_declared

STEPS, BATCH = 5, 4
RAGGED = np.array([STEPS, 2, 0, 1])
Maker = Callable[[Cell, str], ModuleType]


def for_numpy(cell: Cell, store: str) -> ModuleType:
    """The module that is generated for NumPy."""
    return compiler.module(cell, store)


def _positive(array: Any) -> Any:
    """Positive numbers, far enough from 0 for a small step."""
    return 1 + np.abs(array)


@dataclass(frozen=True)
class Point:
    """All arguments of forward, or a direction in their space."""

    params: Any
    xs: Any
    state: Any

    def vector(self) -> Any:
        """All of it as one vector."""
        arrays = (*inputs.arrays(self.xs), *self.state)
        return np.concatenate([self.params.flat, *map(np.ravel, arrays)])


class Trial:
    """A cell's generated module at a random point, with a random linear loss on all it returns.

    The sequences are of different lengths where `lengths` is given. `module` is the cell's module
    where there is one already; `make` makes it, and others of the cell.
    """

    def __init__(
        self,
        cell: Cell,
        lengths: Any = None,
        seed: int = 0,
        module: Any = None,
        make: Maker = for_numpy,
    ):
        self.cell, self.lengths, self.make = cell, lengths, make
        self.module = module or make(cell, "all")
        self.rng = np.random.default_rng(seed)
        self.sizes = sizes = self.lengths_of_axes()
        self.template = self.module.Params(*(sizes[axis] for axis in cell.axes))
        self.state_shapes = [
            (BATCH, *([sizes[axis] for axis in s.axes] or [1])) for s in cell.states
        ]
        self.point = self.defined(self.draw())
        self.ys, self.final, self.tape = self.run(self.point)
        self.dys = self.rng.standard_normal(self.ys.shape)
        self.dstate = self.draw().state
        declared = is_declared(cell.equations)
        self.held = Held(cell, sizes, self.point, lengths) if declared else None

    def lengths_of_axes(self) -> dict[Axis, int]:
        """A length for each axis."""
        return small(self.cell)

    def draw(self) -> Point:
        """A random point or direction; inputs past a sequence's end are zero."""
        params = self.template.copy()
        params.flat[:] = self.rng.standard_normal(params.flat.size) * 0.7
        arrays = inputs.drawn(self.cell, self.sizes, (STEPS, BATCH), self.rng)
        if self.lengths is not None:
            for array in arrays:
                array[np.arange(STEPS)[:, None] >= self.lengths] = 0
        state = self.module.State(*map(self.rng.standard_normal, self.state_shapes))
        return Point(params, inputs.tupled(self.module, arrays), state)

    def defined(self, point: Point) -> Point:
        """The point or, where something is no number there, one with positive inputs and states: a
        gap in time, or a sum of squares, of which a logarithm is taken."""
        with np.errstate(all="ignore"):
            ys, final, _ = self.run(point)
        if all(np.isfinite(array).all() for array in (ys, *final)):
            return point
        xs = inputs.tupled(self.module, map(_positive, inputs.arrays(point.xs)))
        return Point(point.params, xs, self.module.State(*map(_positive, point.state)))

    def direction(self) -> Point:
        """A random direction, along which what is not trained does not move."""
        drawn = self.draw()
        for name in self.cell.untrained:
            drawn.params[name][...] = 0
        return drawn

    @property
    def moves(self) -> Any:
        """For each number of a point as one vector, whether it moves."""
        ones = np.ones_like(self.point.vector(), bool)
        point = self.at(ones.astype(float))
        for name in self.cell.untrained:
            point.params[name][...] = 0
        return point.vector() != 0

    def at(self, vector: Any) -> Point:
        """The point that a vector describes, of the vector's dtype."""
        params = self.module.Params(*self.template._sizes, dtype=vector.dtype)
        shapes = [array.shape for array in inputs.arrays(self.point.xs)]
        ends = np.cumsum([params.flat.size, *map(math.prod, (*shapes, *self.state_shapes))])
        params.flat[:], *parts = np.split(vector, ends[:-1])
        shaped = (v.reshape(s) for v, s in zip(parts, (*shapes, *self.state_shapes), strict=True))
        arrays = [next(shaped) for _ in shapes]
        return Point(params, inputs.tupled(self.module, arrays), self.module.State(*shaped))

    def run(self, point: Point) -> Any:
        """The results of forward at a point."""
        return self.module.forward(point.params, point.xs, point.state, self.lengths)

    def loss(self, point: Point) -> Any:
        """The random linear loss at a point. Where derivatives are declared, it is that of the
        cell's twin, whose derivatives they are."""
        ys, final, _ = self.held.run(point) if self.held else self.run(point)
        return sum(np.sum(a * b) for a, b in self.paired(ys, final))

    def paired(self, ys: Any, final: Any) -> list[tuple[Any, Any]]:
        """Outputs and final states, each with what the loss multiplies it by."""
        return [(ys, self.dys), *zip(final, self.dstate, strict=True)]

    def gradient(self, point: Point) -> Any:
        """Its gradient by backward, as one vector."""
        _, _, tape = self.run(point)
        dys, dstate = self._seeds(point)
        return Point(*self.module.backward(point.params, tape, dys, dstate)).vector()

    def gradient_of_loss(self, point: Point) -> Any:
        """The same, at a point where the loss is that of the cell's twin."""
        if not self.held:
            return self.gradient(point)
        return Point(*self.held.gradient(point, *self._seeds(point))).vector()

    def _seeds(self, point: Point) -> tuple[Any, Any]:
        """The derivatives of the loss by outputs and final states, of the point's dtype."""
        dtype = point.params.flat.dtype
        return self.dys.astype(dtype), self.module.State(*(d.astype(dtype) for d in self.dstate))


def small(cell: Cell) -> dict[Axis, int]:
    """A length for each axis, no two alike, so that one taken for another does not fit."""
    sizes = {I: 2, H: 3} | {a: 5 + k for k, a in enumerate(a for a in cell.axes if a not in (I, H))}
    return sizes | ({I: sizes[H]} if cell.input_is_wide else {})


def both(trial: Trial) -> list[Trial]:
    """The trial, and the same with sequences of different lengths."""
    return [trial, type(trial)(trial.cell, RAGGED, module=trial.module)]
