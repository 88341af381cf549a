"""A routine as the templates see it: its statements, and what its arrays are called.

The program has decided what is computed when, in which memory, and which regions of it a line sees
(`derive.program`). Here each gets its name and its place as NumPy writes it; what stands in the
lines is `phase`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from derive.backends.numpy.phase import OneStep, Phase
from derive.backends.numpy.printer import between, stretched
from derive.backends.printer import extent, width
from derive.backends.weight import Weight, weight_of
from derive.nodes import Axis, Quantity
from derive.printing import Infix
from derive.program import interface
from derive.program.buffers import Buffer, Region, Role, Span
from derive.program.naming import Names
from derive.program.program import Program
from derive.program.statements import Group
from derive.program.views import Alias, Views


class Routine:
    """A routine under its names. `is_in_place` tells the two ways to write an equation apart:
    calls that write into arrays which exist already, for what runs thousands of times, and the
    expression itself, for what is read more often than it runs."""

    spans, roles = Span, Role  # for the templates

    def __init__(
        self,
        program: Program,
        call: interface.Call,
        names: Names,
        is_in_place: bool,
        also: Group = (),
    ):
        self.program, self.call, self.names = program, call, names.child()
        self.is_in_place, self.memory, self.loop = is_in_place, call.memory, call.routine.loop
        self.constants = call.routine.storage.constants
        self.fixed = self.constants | program.parameters.of.keys()
        output = () if call.output is None else (call.output,)
        self.views = Views(call.memory, is_in_place, self.fixed, (*also, *output))
        self.t = self.names.scratch("t", "t")
        self.weights: dict[str, Weight] = {}
        self.transposed: dict[str, str] = {}
        self.sizes: dict[Axis, None] = {}
        self.before = Phase(self, call.routine.before)
        self.during = OneStep(self, call.routine.during)
        self.after = Phase(self, call.routine.after)
        tape = dict.fromkeys(region.buffer for region in self.views.tenants)
        for buffer in (*self.memory.own, *tape):
            given = buffer.role is Role.ARGUMENT or buffer.span is Span.ONCE
            if not given and buffer not in self.views.made:
                self.width(buffer.parts)
        for region in self.views.runs:
            self.slice(region)

    # names

    def called_in(self, span: Span, quantities: Iterable[Quantity]) -> list[str]:
        """What arrays that are kept for that long are called."""
        return list(map(self.names.one if span is Span.STEP else self.names.all, quantities))

    def aliases(self, span: Span, pairs: Iterable[Alias]) -> list[tuple[str, str]]:
        """Further names of arrays that are kept for that long, each with the one it has."""
        return [(own, first) for own, first in (self.called_in(span, pair) for pair in pairs)]

    def array_names(self, buffer: Buffer) -> list[str]:
        """What an array that the routine makes is called, once for each quantity in it."""
        if len(buffer.parts) > 1 or buffer.span is Span.TRAJECTORY or buffer.role is Role.RESULT:
            return [self.names.buffer(buffer)]
        return self.called_in(buffer.span, self.views.names(buffer))

    def weight(self, parameters: Group) -> str:
        """The name of parameters that are stacked, or of the one there is."""
        weight = weight_of(self.program, self.names, parameters)
        self.weights[weight.name] = weight
        return weight.name

    def width(self, parts: Iterable[Quantity]) -> str:
        """The length of quantities side by side."""
        parts = tuple(parts)
        self.sizes |= dict.fromkeys(axis for q in parts for axis in q.axes)
        return width(parts, self.names.size)

    def extent(self, parts: Group) -> str:
        """The lengths of the axes of quantities side by side, after steps and sequences."""
        self.width(parts)
        return extent(parts, self.names.size)

    def slice(self, region: Region) -> str:
        """A region of a buffer, as a slice of its last axis."""
        low = self.width(region.before) if region.first else ""
        ends_it = region.first + region.count == len(region.buffer.parts)
        return between(low, "" if ends_it else self.width((*region.before, *region.parts)))

    def part_slices(self, stack: Buffer) -> list[str]:
        """The slices of a stack's parts; none where all are of one width."""
        alike = len({q.axes for q in stack.parts}) == 1
        return [] if alike else [self.slice(Region(stack, k)) for k in range(len(stack.parts))]

    def called(self, group: Group) -> str:
        """A quantity by its name, or several side by side by what they are called together."""
        if len(group) == 1:
            return self.names.one(group[0])
        if group[0] in self.fixed:
            return self.before.array(group)
        return self.together(group, self.memory.region(group))

    def together(self, group: Group, region: Region) -> str:
        """What neighbours in a stack are called together."""
        if region.is_whole:
            return self.names.step_of(region.buffer)
        each = list(map(self.names.one, group))
        name = "_".join(each)
        short = name if len(name) <= 30 else f"{each[0]}_to_{each[-1]}"
        return self.names.scratch((region, "together"), short)

    # the loop

    @property
    def columns(self) -> dict[str, str]:
        """Names for one step of arrays of all steps."""
        whole = super(OneStep, self.during).array
        return {self.during.array(group): whole(group) for group in self.views.columns.values()}

    @property
    def has_steps(self) -> bool:
        """Whether anything happens in a step: an adjoint that nothing changes needs no loop."""
        ended = self.call.routine.ended
        return bool(self.during.statements or ended.masked or ended.held)

    def number(self, expr: sp.Expr) -> str:
        """A plain number."""
        return Infix()(expr)

    def ended(self, q: Quantity) -> str:
        """Which sequences have ended, seen so that it fits a quantity."""
        return stretched("ended", (), q.axes)

    def before_step(self, carry) -> str:
        """A copy of what one step hands to the next, from before the step."""
        return self.names.scratch(("before", carry.entering), f"{carry.leaving}_before")

    @property
    def masked(self) -> dict[str, list[str]]:
        """What is set to zero in a step where sequences have ended: the arrays, by how these are
        seen."""
        found: dict[str, list[str]] = {}
        for group in self.call.routine.ended.masked:
            found.setdefault(self.ended(group[0]), []).append(self.during.array(group))
        return found

    @property
    def restored(self) -> list[str]:
        """What has its value from before the step there, if it is several that are seen alike."""
        carries = self.call.routine.ended.restored
        alike = len({self.ended(carry.leaving) for carry in carries}) == 1 < len(carries)
        return [self.names.one(self.views.carried(c)) for c in carries] if alike else []

    @property
    def output(self) -> str:
        """The array that holds the output: of all steps, or of the one there is."""
        assert self.call.output is not None
        return (self.after if self.loop.wanted else self.during).array((self.call.output,))

    @property
    def kept_starts(self) -> list[interface.Start]:
        """Where those carries start that are kept for all steps."""
        return [s for s in self.call.starts if self.trajectory(s.entering)]

    def trajectory(self, q: Quantity) -> str:
        """The array of all steps of what is handed on; empty where there is none."""
        buffer = self.memory.region((q,)).buffer
        return self.names.buffer(buffer) if buffer.span is Span.TRAJECTORY else ""
