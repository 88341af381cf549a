"""Where each number of a routine lies, and what its array is called.

Arrays are flat. An array of all steps has a *row* for each step of each sequence, those of a step
side by side; an array of one step has a row for each sequence; what depends on parameters alone has
one row. Every line of a routine is about one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from derive.backends.printer import width
from derive.backends.scalar.entries import behind, entry, place, times
from derive.backends.weight import Weight, weight_of
from derive.nodes import Axes, Axis, Quantity
from derive.program.buffers import Buffer, Region, Role, Span
from derive.program.interface import Call
from derive.program.naming import Names
from derive.program.program import Program
from derive.program.statements import Group

# What the row is called, in a loop over rows, that lines about an array of that span name.
ROWS: Mapping[Span, str] = MappingProxyType(
    {Span.ONCE: "", Span.STEP: "seq", Span.STEPS: "row", Span.TRAJECTORY: "row"}
)
# The variables of loops within each other: of none, one, two and three.
NESTS: tuple[tuple[str, ...], ...] = ((), ("col",), ("line", "col"), ("head", "line", "col"))


class Places:
    """The places of a routine's quantities.

    handed  what others read of what it makes, and where they look for it
    """

    def __init__(
        self,
        program: Program,
        call: Call,
        names: Names,
        handed: Mapping[Quantity, Region] = MappingProxyType({}),
    ):
        self.program, self.call, self.names, self.memory = program, call, names, call.memory
        self.constants = call.routine.storage.constants
        self.fixed = self.constants | program.parameters.of.keys()
        self.known_as = {call.memory.region((q,)).buffer: r.buffer for q, r in handed.items()}

    def weight(self, group: Group) -> Weight:
        """The name of parameters that are stacked, or of the one there is."""
        return weight_of(self.program, self.names, group)

    def array(self, buffer: Buffer) -> str:
        """What an array is called: what others call it, if they do."""
        buffer = self.known_as.get(buffer, buffer)
        if len(buffer.parts) > 1:
            return self.names.buffer(buffer)
        if buffer.role in (Role.ARGUMENT, Role.RESULT) and buffer.span is Span.STEPS:
            return self.names.buffer(buffer)
        (q,) = buffer.parts
        return self.names.one(q) if buffer.span is Span.ONCE else self.names.all(q)

    def width(self, parts: Iterable[Quantity]) -> str:
        """How many entries quantities side by side have."""
        return width(parts, self.names.size)

    def columns(self, matrices: Group) -> str:
        """How many columns matrices have."""
        return self.names.size(matrices[0].axes[-1])

    def loops(self, axes: Axes) -> dict[str, str]:
        """For each axis of a nest of loops, the outermost first, its variable and its length."""
        names = NESTS[len(axes)]
        return dict(zip(names, map(self.names.size, axes), strict=True))

    def column(self, axes: Axes, nest: Axes) -> str:
        """Which entry of a quantity of these axes lines within a nest of loops are about. Rows and
        columns may have one axis between them: the first of two is that of the rows."""
        there = iter(zip(nest, NESTS[len(nest)], strict=True))
        return self.behind(axes, [next(v for a, v in there if a == axis) for axis in axes])

    def behind(self, axes: Axes, variables: Iterable[str]) -> str:
        """How many entries of a quantity of these axes come before the one at these places."""
        sizes = list(map(self.names.size, axes))
        return " + ".join(times(" * ".join(sizes[k + 1 :]), v) for k, v in enumerate(variables))

    def entry_at(self, q: Quantity, heads: Mapping[Axis, str], *places: str) -> str:
        """The entry of a quantity at places along its last axes, and along those before of the
        heads that lines are about. Rows and columns of a matrix may have one axis between them, so
        that their places are told by their order."""
        among = (heads[axis] for axis in q.axes[: len(q.axes) - len(places)])
        return self.entry((q,), self.behind(q.axes, (*among, *places)))

    def row(self, region: Region, rows: Mapping[Span, str] = ROWS) -> str:
        """The row of a buffer that lines are about."""
        row = rows[region.buffer.span]
        return behind(row, "B") if region.shift else row

    def start(self, group: Group, column: str = "", rows: Mapping[Span, str] = ROWS) -> str:
        """Where a quantity, or several side by side, begin in their array, or have an entry."""
        region = self.memory.region(group)
        before = self.width(region.before) if region.first else ""
        return place(self.width(region.buffer.parts), self.row(region, rows), before, column)

    def end(self, group: Group) -> str:
        """Where they end in their array."""
        region = self.memory.region(group)
        length = self.width(region.buffer.parts)
        if region.is_whole:
            return place(length, behind(self.row(region), "1"))
        return place(length, self.row(region), self.width((*region.before, *region.parts)))

    def entry_in(self, nest: Axes, group: Group) -> str:
        """The entry of a quantity that lines within a nest of loops are about; of several side by
        side, those of the first."""
        axes = group[0].axes
        return self.entry(group, "col" if len(nest) == len(axes) == 1 else self.column(axes, nest))

    def entry(self, group: Group, column: str) -> str:
        """An entry of a quantity, or of several side by side; a number has one only."""
        column = column if group[0].axes else ""
        if group[0] in self.program.parameters:
            return entry(self.weight(group).name, column or "0")
        return entry(self.array_of(group), self.start(group, column))

    def array_of(self, group: Group) -> str:
        """The array that quantities lie in."""
        return self.array(self.memory.region(group).buffer)
