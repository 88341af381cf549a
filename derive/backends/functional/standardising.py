"""A routine that standardises vectors, and differentiates that, by a call of its own for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.backends.functional.routine import Line
from derive.backends.functional.wholes import Wholes
from derive.cell import Equation
from derive.nodes import Quantity
from derive.program.normed import Spread, StandardisedSlope, computed_with, place_of
from derive.program.statements import Group


class Standardising(Wholes):
    """A loop under its names, where what one call gives is one line: vectors standardised
    together and what they were divided by, or the derivatives of that.

    leading  the lengths before a vector's own, in the phase that is being written
    """

    leading: str

    def _call(self, together: Iterable[Equation]) -> None:
        """A line for what one call gives."""
        vectors = {place_of(e.rhs): e.lhs for e in together if not isinstance(e.rhs, Spread)}
        spread = next((e.lhs for e in together if isinstance(e.rhs, Spread)), None)
        given = tuple(vectors[k] for k in sorted(vectors))
        e = next(iter(together))
        if isinstance(e.rhs, StandardisedSlope):
            read = *map(self._beside, (e.rhs.moved, e.rhs.standardised)), self.read(e.rhs.args[1])
            self._give(given, f"_standardise_slope({', '.join(read)})")
        else:
            epsilon, *row = computed_with(e.rhs)
            number = self._line(replace(e, rhs=epsilon), self.phase.place, self.leading).text
            text = f"_standardise({self._beside(tuple(row))}, {number})"
            self._give(given, text, self._called(spread) if spread else "_")
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
