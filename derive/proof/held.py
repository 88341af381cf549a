"""What makes a derivative that was declared a true one, so that it can be checked by numbers.

A derivative that is declared is not that of the value, so no difference of values shows it. But
``q = of``, with the derivative of `like`, has at one point the value and all derivatives of
``q = like + offset``, where the offset, ``of - like`` there, is held. So around a point the cell is
replaced by its *twin*, in which each of these offsets comes in as a part of the input. The twin is
an ordinary cell, whose code is generated like any other, and its derivatives are the true ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from derive import compiler
from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell, Equation
from derive.elementwise import Declared
from derive.evaluation.arrays import extent, filled
from derive.evaluation.trace import trace
from derive.names import fresh
from derive.nodes import Axis, CellError, FeatureSum, MatVec, Quantity, shape


class Twin:
    """The twin of a cell: an ordinary one, with a longer input.

    cell    the twin
    parts   what its input is made of: the cell's own, then each offset by the name of the quantity
    selects for each of these the parameter, of zeros and ones, that selects it
    """

    def __init__(self, derived: Adjoint):
        own, taken = derived.cell, {axis.letter for axis in derived.cell.axes} | derived.taken
        joined = Quantity(fresh("joined", taken), (Axis(fresh("J", taken), "joined_size"),))
        zero = Quantity(fresh("zero", taken))
        self.parts: list[Quantity] = [own.input]
        self.selects: dict[Quantity, Quantity] = {}
        equations = []
        for e in derived.forward:
            rhs = e.rhs
            if isinstance(rhs, Declared):
                held = Quantity(fresh(f"{e.lhs}_held", taken), e.lhs.axes)
                self.parts.append(held)
                rhs = rhs.like + held + zero * rhs.offset  # so that all is still read
            equations.append(replace(e, rhs=rhs))
        for part in self.parts:
            select = Quantity(fresh(f"select_{part}", taken), (*part.axes, *joined.axes))
            self.selects[part] = select
            equations.append(Equation(part, _selected(select, joined)))
        self.cell = replace(
            own,
            input=joined,
            parameters=(*own.parameters, *self.selects.values(), zero),
            equations=tuple(equations),
        )


def _selected(select: Quantity, joined: Quantity) -> sp.Expr:
    if len(select.axes) > 2:
        raise CellError(
            f"`{select}` would select a matrix of shape {shape(select.axes[:-1])} from a vector"
        )
    return MatVec(select, joined) if len(select.axes) == 2 else FeatureSum(select * joined)


class Held:
    """The twin around a point of a cell.

    It takes and gives what the cell's own module does, and its derivatives at the point are those
    that the cell declares.
    """

    def __init__(self, cell: Cell, sizes: dict[Axis, int], point: Any, lengths: Any):
        self.own, self.sizes, self.lengths = cell, dict(sizes), lengths
        derived = adjoint(cell)
        self.twin = Twin(derived)
        self.offsets = self._offsets(derived, point)
        (self.axis,) = self.twin.cell.input.axes
        self.sizes[self.axis] = sum(self._width(part) for part in self.twin.parts)
        self.module = compiler.module(self.twin.cell)

    def run(self, point: Any) -> Any:
        """The results of the twin's forward."""
        xs = np.concatenate([point.xs, self.offsets.astype(point.xs.dtype)], axis=-1)
        state = self.module.State(*point.state)
        return self.module.forward(self._params(point.params), xs, state, self.lengths)

    def gradient(self, point: Any, dys: Any, dstate: Any) -> tuple[Any, Any, Any]:
        """What the twin's backward gives, of the cell's own parameters and input."""
        params, (_, _, tape) = self._params(point.params), self.run(point)
        found, dxs, begun = self.module.backward(params, tape, dys, self.module.State(*dstate))
        own = point.params.zeros()
        for name in own:
            own[name] = found[name]
        return own, dxs[..., : point.xs.shape[-1]], begun

    def _width(self, part: Quantity) -> int:
        return int(np.prod(extent(part.axes, self.sizes)))

    def _offsets(self, derived: Adjoint, point: Any) -> Any:
        """The value of every offset at the point, one beside the other, (T, B, n)."""
        sizes = {axis.letter: n for axis, n in self.sizes.items()}
        state = dict(zip((s.name for s in self.own.states), point.state, strict=True))
        traced = trace(self.own, point.xs, dict(point.params), state, sizes=sizes)
        outer = point.xs.shape[:2]
        declared = [e for e in derived.forward if isinstance(e.rhs, Declared)]
        return np.concatenate(
            [np.empty((*outer, 0)), *(self._offset(e, traced, outer) for e in declared)], axis=-1
        )

    def _offset(self, e: Equation, traced: Any, outer: tuple[int, int]) -> Any:
        offset = e.rhs.offset
        value = [traced.value(offset, t) for t in range(outer[0])]
        return np.array([filled(v, (outer[1], self._width(e.lhs))) for v in value])

    def _params(self, params: Any) -> Any:
        """The cell's parameters, and those that take the twin's input apart."""
        lengths = (self.sizes[axis] for axis in self.twin.cell.axes)
        made = self.module.Params(*lengths, dtype=params.flat.dtype)
        for name in params:
            made[name] = params[name]
        start = 0
        for part, select in self.twin.selects.items():
            width = self._width(part)
            view = made[select.name]
            view[...] = np.eye(width, self.sizes[self.axis], start).reshape(view.shape)
            start += width
        return made


def is_declared(equations: Iterable[Equation]) -> bool:
    """Whether any derivative is declared."""
    return any(e.rhs.has(Declared) for e in equations)
