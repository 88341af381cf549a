"""A routine as the templates see it: its statements, and where each number lies.

Arrays are flat. An array of all steps has a *row* for each step of each sequence, those of a step
side by side; an array of one step has a row for each sequence; what depends on parameters alone has
one row. Every line of a routine is about one row, so all statements of a phase stand in one loop
over rows, and numbers that no other nest reads are local to their loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from derive.backends.javascript.printer import (
    JavaScriptPrinter,
    added,
    behind,
    entry,
    place,
    width,
)
from derive.nodes import Axis, Quantity, Size, symbols_of
from derive.program import interface
from derive.program.buffers import Buffer, Region, Role, Span
from derive.program.naming import Names
from derive.program.program import Program
from derive.program.statements import (
    Fused,
    Group,
    Pointwise,
    Product,
    PullBack,
    Statement,
)
from derive.program.variants import Variant
from derive.program.views import numbers

ROWS = {Span.ONCE: "", Span.STEP: "seq", Span.STEPS: "row", Span.TRAJECTORY: "row"}


@dataclass(frozen=True)
class Weight:
    """A parameter, or a stack of them, that a routine reads or writes, under a name."""

    name: str
    variant: Variant
    key: str
    is_stack: bool

    @property
    def holder(self) -> str:
        """The Params that it is found in."""
        return self.variant.of("params")


@dataclass(frozen=True)
class Nest:
    """A loop over the entries of vectors, or what is done once for numbers.

    length   how many entries; empty for numbers
    reads    what it reads from arrays, parameters and what is made of these apart
    lines    what it computes: quantities, and formulas on what it knows by name
    writes   those of them that others read
    """

    length: str
    reads: tuple[Quantity, ...]
    lines: tuple[tuple[Quantity, str], ...]
    writes: tuple[Quantity, ...]


class Routine:
    """A routine under its names.

    handed  what others read of what it makes, and where they look for it
    """

    def __init__(
        self,
        program: Program,
        call: interface.Call,
        names: Names,
        handed: Mapping[Quantity, Region] = MappingProxyType({}),
    ):
        self.program, self.call, self.names = program, call, names
        self.memory, self.loop = call.memory, call.routine.loop
        self.constants = call.routine.storage.constants
        self.fixed = self.constants | program.parameters.of.keys()
        self.rows = {p: w for w in program.layout.weights for p in w.parameters}
        self.known_as = {call.memory.region((q,)).buffer: r.buffer for q, r in handed.items()}
        self.equation = {e.lhs: e for e in self.loop.equations}

    # statements

    @property
    def once(self) -> list[Statement]:
        """What is computed once, from parameters alone."""
        return [s for s in self.call.routine.before if self.constants.issuperset(s.outs)]

    @property
    def before(self) -> list[Statement]:
        """What is computed for every row before the loop over steps."""
        return [s for s in self.call.routine.before if not self.constants.issuperset(s.outs)]

    @property
    def during(self) -> tuple[Statement, ...]:
        """One step of one sequence."""
        return self.call.routine.during

    @property
    def after(self) -> tuple[Statement, ...]:
        """What is computed for every row after the loop over steps."""
        return self.call.routine.after

    @cached_property
    def nests(self) -> dict[Fused, Nest]:
        """The nests as they are written."""
        return {s: self.nest(s) for s in self.call.routine.statements if isinstance(s, Fused)}

    def nest(self, s: Fused) -> Nest:
        """A nest, in which everything is a number under its own name."""
        own = {part.outs[0] for part in s.body}
        every = dict.fromkeys(q for part in s.body for group in part.groups for q in group)
        reads = [q for q in every if q not in own | self.fixed]
        there = {self.memory.region((q,)): self.names.one(q) for q in reads}
        last: dict[Region, Quantity] = {}
        lines = []
        for part in s.body:
            (q,) = part.outs
            text = self.text(part, self.inside)
            if q not in s.local:
                region = self.memory.region(part.outs)
                if part.adds:
                    text = added(there.get(region) or self.entry(part.outs, "col"), text)
                there[region], last[region] = self.names.one(q), q
            lines.append((q, text))
        return Nest(
            length=self.width(s.axes) if s.axes else "",
            reads=tuple(reads),
            lines=tuple(lines),
            writes=tuple(q for q in last.values() if self.is_read_outside(q, s, own)),
        )

    def is_read_outside(self, q: Quantity, s: Fused, own: set[Quantity]) -> bool:
        """Whether anything but the nest itself reads a quantity that it computes, or adds to it."""
        others = (e for e in self.loop.equations if e.lhs not in own)
        if q in self.loop.ends or any(q in symbols_of(e.rhs) for e in others):
            return True
        phase = next(p for p in (self.before, self.during, self.after) if s in p)
        return any(q in later.outs for later in phase[phase.index(s) + 1 :])

    def text(self, s: Pointwise, named: Callable[[Quantity], str]) -> str:
        """The expression of a statement, in the order in which it was written."""
        printer = JavaScriptPrinter(self.program.rank, named, self.names.size)
        equation = self.equation.get(s.outs[0])
        return (printer.written_as(equation) if equation else printer)(s.expr)

    def inside(self, q: Quantity) -> str:
        """What a quantity is called within a nest: it is a number there."""
        return self.entry((q,), "col") if q in self.fixed else self.names.one(q)

    def outside(self, s: Pointwise) -> str:
        """The expression of a statement that is in no nest, on entries of arrays."""
        return self.text(s, lambda q: self.entry(s.group_of(q), "col"))

    # what it needs

    @cached_property
    def seen(self) -> dict[Group, None]:
        """Whatever its lines name that lies in an array, in groups that they take as one."""
        groups: list[Group] = []
        for s in self.call.routine.statements:
            if isinstance(s, Fused):
                nest = self.nests[s]
                groups += [(q,) for q in (*nest.reads, *nest.writes)]
                groups += [g for part in s.body for g in part.groups if g[0] in self.fixed]
                groups += [part.outs for part in s.body if part.adds]
            else:
                groups += [*s.groups, s.outs]
            groups += [s.matrices] if isinstance(s, Product | PullBack) else []
        return dict.fromkeys(groups)

    @property
    def weights(self) -> list[Weight]:
        """The parameters, gradients and directions that it names."""
        known = {self.weight(group) for group in self.seen if group[0] in self.program.parameters}
        return sorted(known, key=lambda w: (w.holder, not w.is_stack, w.name))

    def weight(self, group: Group) -> Weight:
        """The name of parameters that are stacked, or of the one there is."""
        variant, first = self.program.parameters[group[0]]
        if len(group) == 1:
            return Weight(self.names.one(group[0]), variant, first.name, False)
        stack = self.rows[first].name
        return Weight(self.names.weights(variant, stack), variant, stack, True)

    @cached_property
    def arrays(self) -> list[Buffer]:
        """The arrays that it makes: those in which a line reads or writes, or a carry lies."""
        placed = [g for g in self.seen if g[0] not in self.program.parameters]
        placed += [(c.entering,) for c in self.loop.carries]
        used = {self.memory.region(group).buffer for group in placed}
        return [b for b in self.memory.own if b in used]

    @property
    def sizes(self) -> list[Axis]:
        """The axes whose lengths it names."""
        axes = {axis for group in self.seen for q in group for axis in q.axes}
        axes |= {axis for buffer in self.arrays for axis in buffer.axes}
        for group in self.seen:
            if group[0] not in self.program.parameters:
                axes |= set(self.memory.region(group).buffer.axes)
        for s in self.call.routine.statements:
            axes |= set(s.axes) if isinstance(s, Fused) else set()
            for part in s.body if isinstance(s, Fused) else (s,):
                axes |= {size.axis for expr in numbers(part) for size in expr.atoms(Size)}
        return [axis for axis in self.program.cell.axes if axis in axes]

    # places

    def array(self, buffer: Buffer) -> str:
        """What an array is called: what others call it, if they do."""
        buffer = self.known_as.get(buffer, buffer)
        if len(buffer.parts) > 1:
            return self.names.buffer(buffer)
        if buffer.role in (Role.ARGUMENT, Role.RESULT) and buffer.span is Span.STEPS:
            return buffer.name
        (q,) = buffer.parts
        return self.names.one(q) if buffer.span is Span.ONCE else self.names.all(q)

    def width(self, axes: Iterable[Axis]) -> str:
        """The length of quantities side by side."""
        return width(axes, self.names.size)

    def length(self, group: Group) -> str:
        """How many entries quantities side by side have, or rows matrices one above the other."""
        return self.width(axis for q in group for axis in q.axes[:1])

    def columns(self, matrices: Group) -> str:
        """How many columns matrices have."""
        return self.names.size(matrices[0].axes[1])

    def row(self, region: Region) -> str:
        """The row of a buffer that lines are about."""
        row = ROWS[region.buffer.span]
        return behind(row, "B") if region.shift else row

    def start(self, group: Group, column: str = "") -> str:
        """Where a quantity, or several side by side, begin in their array, or have an entry."""
        region = self.memory.region(group)
        before = self.width(region.before) if region.first else ""
        return place(self.width(region.buffer.axes), self.row(region), before, column)

    def end(self, group: Group) -> str:
        """Where they end in their array."""
        region = self.memory.region(group)
        length = self.width(region.buffer.axes)
        if region.is_whole:
            return place(length, behind(self.row(region), "1"))
        return place(length, self.row(region), self.width((*region.before, *region.axes)))

    def entry(self, group: Group, column: str) -> str:
        """An entry of a quantity, or of several side by side; a number has one only."""
        column = column if group[0].axes else ""
        if group[0] in self.program.parameters:
            return entry(self.weight(group).name, column or "0")
        return entry(self.array_of(group), self.start(group, column))

    def array_of(self, group: Group) -> str:
        """The array that quantities lie in."""
        return self.array(self.memory.region(group).buffer)

    def final(self, q: Quantity) -> Region:
        """Where the last values of what is handed on are."""
        leaving = {c.leaving: c.entering for c in self.loop.carries}
        return self.memory.region((leaving.get(q, q),))
