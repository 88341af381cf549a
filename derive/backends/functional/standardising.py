"""A routine that standardises vectors, and differentiates that, by a call of its own for each."""

from __future__ import annotations

from dataclasses import replace

from derive.backends.functional.routine import Line
from derive.backends.functional.wholes import Wholes
from derive.cell import Equation
from derive.nodes import Quantity
from derive.program.normed import StandardisedSlope, vectors_of
from derive.program.statements import Group


class Standardising(Wholes):
    """A loop under its names, where what one call gives is one line: vectors standardised
    together and what they were divided by, or the derivatives of that."""

    def _call(self, together: list[Equation]) -> None:
        """A line for what one call gives."""
        e, given = together[0], vectors_of(together)
        if isinstance(e.rhs, StandardisedSlope):
            read = *map(self._beside, (e.rhs.moved, e.rhs.standardised)), self.read(e.rhs.args[1])
            self._give(given, f"_standardise_slope({', '.join(read)})")
        else:
            epsilon, *row = e.rhs.call
            sigma = self._called(together[-1].lhs) if len(together) > len(given) else "_"
            number = self.printer(self.program.rank, str, self.names.size, self.fixed, self.letters)
            text = f"_standardise({self._beside(tuple(row))}, {number(epsilon)})"
            self._give(given, text, sigma)
        self.phase.waiting -= {e.lhs for e in together}

    def _beside(self, group: Group) -> str:
        """A vector, or several side by side."""
        return self.read(group[0]) if len(group) == 1 else self.read_group(group)

    def _called(self, q: Quantity) -> str:
        """What is defined in this phase, under its name."""
        return self.names.one(q) if q in self.fixed else self.phase.place(q)

    def _give(self, given: Group, text: str, other: str = "") -> None:
        """A line that gives vectors, and maybe something `other` beside them."""
        if len(given) > 1:
            self._make(self.phase, given, text, has_parts=False)
        else:
            self.phase.lines.append(Line(self._called(given[0]), text))
        if other:
            last = self.phase.lines[-1]
            self.phase.lines[-1] = replace(last, name=f"{last.name}, {other}")
