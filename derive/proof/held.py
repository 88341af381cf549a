"""What makes a derivative that was declared a true one, so that it can be checked by numbers.

A derivative that is declared is not that of the value, so no difference of values shows it. But
``q = of``, with the derivative of `like`, has at one point the value and all derivatives of
``q = like + offset``, where the offset, ``of - like`` there, is held. So around a point the cell is
replaced by its *twin*, in which each of these offsets comes in as an input of its own. The twin is
an ordinary cell, whose code is generated like any other, and its derivatives are the true ones.

Inputs are numbers and vectors. An offset that is more comes in by its rows, each an input, which
parameters that are 1 at one place, and else 0, put where they belong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from derive import compiler
from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell, Equation
from derive.elementwise import Declared
from derive.evaluation.arrays import extent, filled
from derive.evaluation.inputs import arrays, tupled
from derive.evaluation.trace import Trace, trace
from derive.names import fresh
from derive.nodes import Axis, Outer, Quantity
from derive.nodes import own as own_axes


class Twin:
    """The twin of a cell for given sizes: an ordinary one, with more inputs and parameters.

    cell  the twin
    held  the offsets
    """

    def __init__(self, derived: Adjoint, sizes: Mapping[Axis, int]):
        own, taken = derived.cell, derived.taken
        zero = Quantity(fresh("zero", taken))
        self.held: list[Offset] = []
        equations = []
        for e in derived.forward:
            rhs = e.rhs
            if isinstance(rhs, Declared):
                self.held.append(Offset(e, sizes, taken))
                rhs = (
                    rhs.like + self.held[-1].whole + zero * rhs.offset
                )  # so that all is still read
            equations.append(replace(e, rhs=rhs))
        units = {q: value for offset in self.held for q, value in offset.units.items()}
        self.fixed = {zero: np.zeros(()), **units}
        self.cell = replace(
            own,
            inputs=(*own.inputs, *(row for offset in self.held for row in offset.rows)),
            parameters=(*own.parameters, *self.fixed),
            equations=tuple(equations),
        )


class Offset:
    """What makes the value of a derivative that was declared, in one equation.

    equation  it
    rows      the inputs that it is: itself, or its rows along its last axis
    units     for each row of several a parameter that is 1 where that belongs, and its value
    whole     the formula of these
    """

    def __init__(self, equation: Equation, sizes: Mapping[Axis, int], taken: set[str]):
        self.equation, axes = equation, equation.lhs.axes
        name = f"{equation.lhs}_held"
        self.places = [*np.ndindex(extent(axes[:-1], sizes))]
        self.rows = [Quantity(fresh(name, taken), axes[-1:]) for _ in self.places]
        self.units: dict[Quantity, Any] = {}
        if len(axes) < 2:
            (self.whole,) = self.rows
            return
        is_matrix = len(own_axes(axes)) == 2
        terms = []
        for place, row in zip(self.places, self.rows, strict=True):
            unit = Quantity(fresh(f"{name}_at", taken), axes[:-1] if is_matrix else axes)
            self.units[unit] = np.zeros(extent(unit.axes, sizes))
            self.units[unit][place] = 1
            terms.append(Outer(unit, row) if is_matrix else unit * row)
        self.whole = sp.Add(*terms)

    def values(self, traced: Trace, sizes: Mapping[Axis, int]) -> list[Any]:
        """The value of each row at the point, (T, B, …)."""
        shape = (traced.loss.seed.shape[1], *extent(self.equation.lhs.axes, sizes))
        steps = range(len(traced.steps))
        whole = np.array([filled(traced.value(self.equation.rhs.offset, t), shape) for t in steps])
        return [whole[:, :, *place] for place in self.places]


class Held:
    """The twin around a point of a cell.

    It takes and gives what the cell's own module does, and its derivatives at the point are those
    that the cell declares.
    """

    def __init__(self, cell: Cell, sizes: Mapping[Axis, int], point: Any, lengths: Any):
        self.own, self.sizes, self.lengths = cell, sizes, lengths
        self.twin = Twin(adjoint(cell), sizes)
        self.offsets = self._offsets(point)
        self.module = compiler.module(self.twin.cell)

    def run(self, point: Any) -> Any:
        """The results of the twin's forward."""
        params = self._params(point.params)
        offsets = (offset.astype(params.flat.dtype) for offset in self.offsets)
        xs = tupled(self.module, [*arrays(point.xs), *offsets])
        return self.module.forward(params, xs, self.module.State(*point.state), self.lengths)

    def gradient(self, point: Any, dys: Any, dstate: Any) -> tuple[Any, Any, Any]:
        """What the twin's backward gives, of the cell's own parameters and inputs."""
        params, (_, _, tape) = self._params(point.params), self.run(point)
        found, dxs, begun = self.module.backward(params, tape, dys, self.module.State(*dstate))
        own = point.params.zeros()
        for name in own:
            own[name] = found[name]
        return own, tuple(dxs[: len(self.own.inputs)]), begun

    def _offsets(self, point: Any) -> list[Any]:
        """The value of every offset at the point, (T, B, …)."""
        sizes = {axis.letter: n for axis, n in self.sizes.items() if axis in self.own.axes}
        states = zip(self.own.states, point.state, strict=True)
        state = {s.name: array if s.axes else array[..., 0] for s, array in states}
        xs = dict(zip((q.name for q in self.own.inputs), arrays(point.xs), strict=True))
        traced = trace(self.own, xs, dict(point.params), state, sizes=sizes)
        return [row for offset in self.twin.held for row in offset.values(traced, self.sizes)]

    def _params(self, params: Any) -> Any:
        """The cell's parameters, and the twin's own, whose values are fixed."""
        sizes = (self.sizes[axis] for axis in self.twin.cell.axes)
        made = self.module.Params(*sizes, dtype=params.flat.dtype)
        for name in params:
            made[name] = params[name]
        for q, value in self.twin.fixed.items():
            made[q.name] = np.asarray(value, params.flat.dtype)
        return made


def is_declared(equations: Iterable[Equation]) -> bool:
    """Whether any derivative is declared."""
    return any(e.rhs.has(Declared) for e in equations)
