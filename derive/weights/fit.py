"""Which layer of a library a cell is, if it is one: by its equations, and proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sympy as sp

from derive.cell import Cell
from derive.weights.align import different
from derive.weights.conventions import convention
from derive.weights.forms import Forms
from derive.weights.layout import Convention, Operator, Variant, variant, variants
from derive.weights.match import Different, Match, between
from derive.weights.reasons import Condition
from derive.weights.same import proved


@dataclass(frozen=True)
class Fit:
    """A layer of a library, and how a cell is made of it, or it of the cell.

    variant  the layer, with its options
    match    between the two
    """

    variant: Variant
    match: Match

    @property
    def source(self) -> Cell:
        """The cell whose parameters are given."""
        return self.match.source

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What of these has to be zero."""
        return self.match.conditions

    @property
    def arrays(self) -> dict[str, tuple[tuple[sp.Expr, ...], ...]]:
        """For each of the library's arrays its rows, in terms of the cell's parameters; what the
        layer's equations do not read is zero."""
        values = self.match.parameters
        return {
            array.name: tuple(tuple(values.get(p, sp.S.Zero) for p in row) for row in array.rows)
            for array in self.variant.operator.arrays
        }


@dataclass(frozen=True)
class Misfit:
    """A layer of a library, and why a cell is none."""

    variant: Variant
    different: Different

    conditions = ()

    @property
    def source(self) -> Cell:
        """The cell whose parameters would be given."""
        return self.different.source


def layer_of(cell: Cell, library: str) -> Fit | None:
    """The layer of that library that does what the cell does, whatever its parameters are; None if
    there is none. `Fit.arrays` are the layer's in terms of the cell's."""
    found = convention(library)
    for operator in found.operators:
        for fit in fits(cell, found, operator):
            if isinstance(fit, Fit) and not fit.conditions:
                return fit
    return None


def fits(
    cell: Cell,
    library: Convention,
    operator: Operator,
    settings: Mapping[str, str] | None = None,
    *,
    back: bool = False,
) -> Iterator[Fit | Misfit]:
    """The layer, with its options as they are set, or else in every way that may do: what its
    parameters are for it to do what the cell does; or `back`, what those of the cell are for that
    to do what the layer does. Where there are none, why."""
    own = Forms(cell)
    usual = variant(library, operator, settings or {})
    reason = different(*((usual.cell, cell) if back else (cell, usual.cell)))
    tried = [] if settings is not None or reason else variants(library, operator, own.functions)
    for one in list(tried) or [usual]:
        theirs = Forms(one.cell)
        found = between(theirs, own) if back else between(own, theirs)
        if isinstance(found, Match) and not proved(found):
            found = Different(found.source, found.target, "what was found could not be proved", -1)
        yield Fit(one, found) if isinstance(found, Match) else Misfit(one, found)
