"""A routine that standardises vectors, and differentiates that, by a call of its own for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from derive.backends.functional.routine import Line
from derive.backends.functional.wholes import Wholes
from derive.cell import Equation
from derive.nodes import Quantity
from derive.program.normed import Spread, StandardisedSlope, computed_with, place_of
from derive.program.statements import Group

Places = Mapping[int, Equation]


class Standardising(Wholes):
    """A loop under its names, where what one call gives is one line: vectors standardised
    together and what they were divided by, or the derivatives of that.

    leading  the lengths before a vector's own, in the phase that is being written
    """

    leading: str

    def _call(self, together: Iterable[Equation]) -> None:
        """A line for what one call gives."""
        places = {place_of(e.rhs): e for e in together if not isinstance(e.rhs, Spread)}
        spread = next((e for e in together if isinstance(e.rhs, Spread)), None)
        e = next(iter(together))
        if isinstance(e.rhs, StandardisedSlope):
            read = *map(self._beside, (e.rhs.moved, e.rhs.standardised)), self.read(e.rhs.args[1])
            self._give(e.rhs.moved, places, f"_standardise_slope({', '.join(read)})")
        else:
            epsilon, *vectors = computed_with(e.rhs)
            number = self._line(replace(e, rhs=epsilon), self.phase.place, self.leading).text
            row = tuple(vectors)
            text = f"_standardise({self._beside(row)}, {number})"
            self._give(row, places, text, self._called(spread.lhs) if spread else "_")
        self.phase.waiting -= {e.lhs for e in together}

    def _beside(self, group: Group) -> str:
        """A vector, or several side by side."""
        return self.read(group[0]) if len(group) == 1 else self.read_group(group)

    def _called(self, q: Quantity) -> str:
        """What is defined in this phase, under its name."""
        return self.names.one(q) if q in self.fixed else self.phase.place(q)

    def _give(self, row: Group, places: Places, text: str, other: str = "") -> None:
        """A line that gives as many vectors as there are in a row, and maybe something `other`
        beside them. Nobody may read some of the vectors."""
        lines, at = self.phase.lines, len(self.phase.lines)
        given = tuple(places[k].lhs for k in sorted(places))
        if 1 < len(row) == len(given):
            self._make(self.phase, given, text, has_parts=False)
        elif len(row) == 1 or not given:
            lines.append(Line(self._called(given[0]) if given else "_", text))
        else:
            names = [self._called(places[k].lhs) if k in places else "_" for k in range(len(row))]
            whole = self.names.scratch(given, f"{'_'.join(map(str, given))}_whole")
            lines += [Line(whole, text), self._parts(names, whole, row, -1)]
        if other:
            lines[at] = replace(lines[at], name=f"{lines[at].name}, {other}")
