"""What makes a derivative that was declared a true one, so that it can be checked by numbers.

A derivative that is declared is not that of the value, so no difference of values shows it. But
``q = of``, with the derivative of `like`, has at one point the value and all derivatives of
``q = like + offset``, where the offset, ``of - like`` there, is held. So around a point the cell is
replaced by its *twin*, in which each of these offsets comes in as an input of its own. The twin is
an ordinary cell, whose code is generated like any other, and its derivatives are the true ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from derive import compiler
from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell, Equation
from derive.elementwise import Declared
from derive.evaluation.arrays import extent, filled
from derive.evaluation.inputs import arrays, tupled
from derive.evaluation.trace import Trace, trace
from derive.names import fresh
from derive.nodes import Axis, Quantity


class Twin:
    """The twin of a cell: an ordinary one, with more inputs.

    cell  the twin
    held  the equations whose derivative is declared, each by the input that its offset is
    """

    def __init__(self, derived: Adjoint):
        own, taken = derived.cell, derived.taken
        zero = Quantity(fresh("zero", taken))
        self.held: dict[Quantity, Equation] = {}
        equations = []
        for e in derived.forward:
            rhs = e.rhs
            if isinstance(rhs, Declared):
                offset = Quantity(fresh(f"{e.lhs}_held", taken), e.lhs.axes)
                self.held[offset] = e
                rhs = rhs.like + offset + zero * rhs.offset  # so that all is still read
            equations.append(replace(e, rhs=rhs))
        self.cell = replace(
            own,
            inputs=(*own.inputs, *self.held),
            parameters=(*own.parameters, zero),
            equations=tuple(equations),
        )


class Held:
    """The twin around a point of a cell.

    It takes and gives what the cell's own module does, and its derivatives at the point are those
    that the cell declares.
    """

    def __init__(self, cell: Cell, sizes: Mapping[Axis, int], point: Any, lengths: Any):
        self.own, self.sizes, self.lengths = cell, sizes, lengths
        self.twin = Twin(adjoint(cell))
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
        state = dict(zip((s.name for s in self.own.states), point.state, strict=True))
        xs = dict(zip((q.name for q in self.own.inputs), arrays(point.xs), strict=True))
        traced = trace(self.own, xs, dict(point.params), state, sizes=sizes)
        return [self._offset(e, traced) for e in self.twin.held.values()]

    def _offset(self, e: Equation, traced: Trace) -> Any:
        shape = (traced.loss.seed.shape[1], *extent(e.lhs.axes, self.sizes))
        values = (traced.value(e.rhs.offset, t) for t in range(len(traced.steps)))
        return np.array([filled(value, shape) for value in values])

    def _params(self, params: Any) -> Any:
        """The cell's parameters, and the twin's own, which is zero."""
        made = self.module.Params(*params._sizes, dtype=params.flat.dtype)
        for name in params:
            made[name] = params[name]
        return made


def is_declared(equations: Iterable[Equation]) -> bool:
    """Whether any derivative is declared."""
    return any(e.rhs.has(Declared) for e in equations)
