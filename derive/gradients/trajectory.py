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
from derive.nodes import Axis, CellError, I, Quantity

ROWS = 8192  # of a batch of directions: more at once only take more memory


@dataclass(frozen=True)
class Trajectory:
    """A cell along B sequences of T steps.

    module  the cell's generated module
    params  its parameters
    xs      inputs, (T, B, I)
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
            for x in self.xs:
                passed.append(self.module.step(self.params, x, passed[-1])[1])
        found = dict(zip(self.cell.states, map(np.stack, zip(*passed, strict=True)), strict=True))
        for state, values in found.items():
            if not np.isfinite(values).all():
                last = int(np.argmin(np.isfinite(values).reshape(len(values), -1).all(1)))
                raise CellError(
                    f"{self.cell.name}: the state `{state}` is no longer finite in step {last}; "
                    f"take fewer steps, or smaller weights"
                )
        return found

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
            found[here] = self._jacobians(xs[here], [values[here] for values in states])
        if not np.isfinite(found).all():
            raise CellError(f"{self.cell.name}: a step's derivatives are not finite along this way")
        return found.reshape(T, B, n, n)

    def _jacobians(self, xs: Any, states: list[Any]) -> Any:
        """The Jacobians at some inputs (N, I) and states, each (N, ·), by tangents along the n
        entries: a batch of N n steps."""
        State, n = self.module.State, max(part.stop for part in self.parts.values())
        at = State(*(np.repeat(values, n, axis=0) for values in states))
        directions = np.tile(np.eye(n), (len(xs), 1))
        parts = zip(self.parts.values(), states, strict=True)
        along = State(*(directions[:, p].reshape(len(directions), *v.shape[1:]) for p, v in parts))
        with np.errstate(all="ignore"):  # reported above, in words
            _, _, tape = self.module.forward(self.params, np.repeat(xs, n, axis=0)[None], at)
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
    return [inputs if axis == I and cell.input.axes == (I,) else side for axis in cell.axes]


def width(cell: Cell, params: Any) -> int:
    """The number of entries of the input."""
    return lengths(cell, params)[cell.input.axes[0]]
