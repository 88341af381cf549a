"""A cell along sequences: its states after each step, and each step's Jacobian, in numbers.

The states of a cell lie side by side in one vector s of n entries, in the order in which they were
declared. The Jacobians ∂s(t)/∂s(t - 1) are exact: the generated module's own tangents, along every
entry of s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.evaluation.arrays import extent
from derive.evaluation.inputs import leading, number
from derive.nodes import Axis, CellError, I, Quantity

ROWS = 8192  # of a batch of directions: more at once only take more memory


@dataclass(frozen=True)
class Trajectory:
    """A cell along B sequences of T steps.

    module  the cell's generated module
    params  its parameters
    xs      the first input, (T, B, I); every other is 1
    """

    cell: Cell
    module: ModuleType
    params: Any
    xs: Any

    @cached_property
    def states(self) -> dict[Quantity, Any]:
        """Each state before the first step and after every step, (T + 1, B, n)."""
        batch, sizes = self.xs.shape[1], lengths(self.cell, self.params)
        starts = [
            np.full((batch, *(extent(s.axes, sizes) or [1])), self.cell.starts.get(s.name, 0.0))
            for s in self.cell.states
        ]
        passed = [self.module.State(*starts)]
        with np.errstate(all="ignore"):  # reported below, in words
            for t, x in enumerate(self.xs, start=1):
                told = (self.given(x), passed[-1], *number(self.cell, t))
                passed.append(self.module.step(self.params, *told)[1])
        found = dict(zip(self.cell.states, map(np.stack, zip(*passed, strict=True)), strict=True))
        for state, values in found.items():
            if not np.isfinite(values).all():
                last = int(np.argmin(np.isfinite(values).reshape(len(values), -1).all(1)))
                raise CellError(
                    f"{self.cell.name}: the state `{state}` is no longer finite in step {last}; "
                    f"take fewer steps, or smaller weights"
                )
        return found

    def given(self, xs: Any) -> Any:
        """What the module takes where this is the first input."""
        return leading(self.cell, self.module, lengths(self.cell, self.params), xs)

    @cached_property
    def parts(self) -> dict[Quantity, slice]:
        """Where each state lies in s."""
        ends = np.cumsum([0, *(math.prod(v.shape[2:]) for v in self.states.values())])
        return {s: slice(*ends[k : k + 2]) for k, s in enumerate(self.states)}

    def jacobians(self) -> Any:
        """∂s(t)/∂s(t - 1) of every step but the first, (T - 1, B, n, n).

        The first starts from states that no step has made, where a cell may forget all of them, or
        have no derivative.
        """
        T, B = self.xs.shape[0] - 1, self.xs.shape[1]
        n = max(part.stop for part in self.parts.values())
        found = np.empty((T * B, n, n))
        xs = self.xs[1:].reshape(T * B, -1)
        states = [v[1:-1].reshape(T * B, *v.shape[2:]) for v in self.states.values()]
        some = max(ROWS // n, 1)
        for start in range(0, T * B, some):
            here = slice(start, start + some)
            at = np.arange(T * B)[here] // B + 2  # the numbers of these steps
            found[here] = self._jacobians(xs[here], [values[here] for values in states], at)
        if not np.isfinite(found).all():
            raise CellError(f"{self.cell.name}: a step's derivatives are not finite along this way")
        return found.reshape(T, B, n, n)

    def _jacobians(self, xs: Any, states: list[Any], numbers: Any) -> Any:
        """The Jacobians at some inputs (N, I), states, each (N, ·), and numbers of steps (N,), by
        tangents along the n entries: a batch of N n steps."""
        State, n = self.module.State, max(part.stop for part in self.parts.values())
        at = State(*(np.repeat(values, n, axis=0) for values in states))
        directions = np.tile(np.eye(n), (len(xs), 1))
        parts = zip(self.parts.values(), states, strict=True)
        along = State(*(directions[:, p].reshape(len(directions), *v.shape[1:]) for p, v in parts))
        with np.errstate(all="ignore"):  # reported above, in words
            given = self.given(np.repeat(xs, n, axis=0)[None])
            first = {"first": np.repeat(numbers, n)} if self.cell.number else {}
            _, _, tape = self.module.forward(self.params, given, at, **first)
            _, moved = self.module.jvp(self.params, tape, self.params.zeros(), None, along)
        moved = [values.reshape(len(values), -1) for values in moved]
        return np.concatenate(moved, axis=-1).reshape(len(xs), n, n).swapaxes(1, 2)


def lengths(cell: Cell, params: Any) -> dict[Axis, int]:
    """The length of each axis."""
    return dict(zip(cell.axes, params._sizes, strict=True))


def sizes(cell: Cell, inputs: int, hidden: int) -> list[int]:
    """A length for each axis: `inputs` for the input's, if it has one of its own, and `hidden` for
    all others; where a state is a matrix, as many as leave it about as many entries."""
    most = max(len(s.axes) for s in cell.states)
    side = hidden if most < 2 else max(2, round(hidden ** (1 / most)))
    is_own = not cell.input_is_wide
    return [inputs if axis == I and is_own else side for axis in cell.axes]


def width(cell: Cell, params: Any) -> int:
    """The number of entries of the first input."""
    return math.prod(extent(cell.input.axes, lengths(cell, params)))
