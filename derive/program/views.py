"""Which regions of memory the lines of a routine see, and under whose names.

For languages whose arrays can be seen in parts and under several names, as NumPy's can: every line
uses a quantity's own name, so where two quantities share a place, the second name is an alias of
the first. Which aliases it takes follows from the statements, before one of them is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from derive.nodes import Quantity, axes_of
from derive.program.buffers import Buffer, Memory, Region, Role, Span
from derive.program.loop import Carry
from derive.program.statements import (
    TOTALS,
    Activate,
    Compute,
    Group,
    Peak,
    Pointwise,
    Reduce,
    StandardiseSlope,
    Statement,
    Sum,
)

Alias = tuple[Quantity, Quantity]  # a name, and the one that it is another for


@dataclass(frozen=True)
class Parts:
    """A stack, and for each of its parts the quantity under whose name it is seen."""

    stack: Buffer
    names: Group


class Views:
    """What a routine's lines see.

    memory       the routine's memory
    is_in_place  whether every value is written into an array that is there already; otherwise
                 whole expressions are written, and these make their arrays
    fixed        what is the same at every step: parameters, gradients, directions, constants
    also         quantities that are read after the routine, of all steps

    tenants  for each region, the quantities under whose names lines see it
    columns  for each region that a step sees a part of, the first quantities to name it
    second   within a step, further names: a quantity, and whose name it is another for
    runs     neighbours in a stack of one step that are seen together
    """

    def __init__(
        self, memory: Memory, is_in_place: bool, fixed: frozenset[Quantity], also: Group = ()
    ):
        self.memory, self.is_in_place, self.fixed = memory, is_in_place, fixed
        self.routine, self.storage, self.also = memory.routine, memory.routine.storage, also
        self.tenants: dict[Region, dict[Quantity, None]] = {}
        self.columns: dict[Region, Group] = {}
        self.second: dict[Quantity, Quantity] = {}
        self.runs: dict[Region, Group] = {}
        self.made = frozenset() if is_in_place else self._made_by_expressions()
        for s in (*self.routine.before, *self.routine.after):
            for group in seen_by(s):
                self._see(group)
        for s in self.routine.during:
            for group in seen_by(s):
                self._see_in_step(group)
        for group in self.routine.ended.masked:
            self._see_in_step(group)
        for carry in memory.loop.carries:
            self._see_in_step((carry.leaving,))
            self._see_in_step((self.carried(carry),))
        for q in also:
            (self._see if memory.loop.wanted else self._see_in_step)((q,))

    # which names

    def _see(self, group: Group) -> None:
        """A line about all steps sees a quantity, or several side by side."""
        if group[0] in self.fixed:
            return
        region = self.memory.region(group)
        named = region.buffer.role in (Role.ARGUMENT, Role.RESULT)
        if region.count == 1 and not named and region.buffer.span is not Span.TRAJECTORY:
            self.tenants.setdefault(region, {})[group[0]] = None

    def _see_in_step(self, group: Group) -> None:
        """A line about one step does."""
        if group[0] in self.fixed:
            return
        region = self.memory.region(group)
        if region.buffer.span is Span.STEP:
            if region.count == 1:
                self.tenants.setdefault(region, {})[group[0]] = None
            elif not region.is_whole:
                self.runs[region] = group
        elif not self.is_in_place:
            self._see(group)
        elif group[0] in self.storage.trajectory:
            return  # what was new in the step before
        elif self.columns.setdefault(region, group) == group:
            self._see(group)
        elif region.count == 1:
            self.second[group[0]] = self.columns[region][0]

    def names(self, buffer: Buffer) -> Group:
        """Under whose names an array is known that is one place."""
        return tuple(self.tenants.get(Region(buffer)) or buffer.parts)

    def parts(self, stacks: Iterable[Buffer]) -> list[Parts]:
        """Names for the parts of stacks, where any is seen by itself."""
        found = []
        for stack in stacks:
            regions = [Region(stack, k) for k in range(len(stack.parts))]
            if any(region in self.tenants for region in regions):
                own = [
                    [*self.tenants.get(r, ()), q] for r, q in zip(regions, stack.parts, strict=True)
                ]
                found.append(Parts(stack, tuple(names[0] for names in own)))
        return found

    def aliases(self, span: Span) -> list[Alias]:
        """Second names of what is kept for that long, but for what is handed on."""
        return [
            (q, first)
            for region, (first, *others) in self.tenants.items()
            if region.buffer.span is span and region.buffer not in self.made
            if region.buffer.role is not Role.CARRY
            for q in others
        ]

    # which arrays

    def _made_by_expressions(self) -> frozenset[Buffer]:
        """The buffers that whole expressions write, and nothing else; of stacks, those that no line
        sees in parts."""
        made: set[Buffer] = set()
        others: set[Buffer] = set()
        phases = (
            (self.routine.before, Span.STEPS),
            (self.routine.during, Span.STEP),
            (self.routine.after, Span.STEPS),
        )
        parted: set[Buffer] = set()
        for statements, span in phases:
            for s in statements:
                for region in self._regions(seen_by(s)):
                    if not region.is_whole:
                        parted.add(region.buffer)
                for region in self._regions(s.written):
                    is_made = region.buffer.span is span and self._is_expression(s)
                    (made if is_made else others).add(region.buffer)
        seen = self._regions((q,) for q in self.also)
        parted |= {region.buffer for region in seen if not region.is_whole}
        return frozenset(b for b in made - others - parted if b.role is Role.SCRATCH)

    def _regions(self, groups: Iterable[Group]) -> list[Region]:
        """Where groups lie that change from step to step."""
        return [self.memory.region(g) for g in groups if g[0] not in self.fixed]

    def _is_expression(self, s: Statement) -> bool:
        """Whether a statement's value has the shape of what it defines."""
        if isinstance(s, StandardiseSlope):
            return not s.adds
        if isinstance(s, Reduce | Peak):
            return not s.adds and s.vectors[0] not in self.fixed
        if isinstance(s, Sum):
            return not s.adds and not s.reads <= self.fixed
        if not isinstance(s, Compute) or s.adds or axes_of(s.expr) != s.outs[0].axes:
            return False
        return not s.reads <= self.fixed

    def own(self, span: Span, role: Role, *, stacks: bool) -> list[Buffer]:
        """The buffers that the routine makes beforehand, kept for that long."""
        return [
            b
            for b in self.memory.own
            if (b.span, b.role) == (span, role) and (len(b.parts) > 1) is stacks
            if b not in self.made
        ]

    @property
    def kept(self) -> list[list[Buffer]]:
        """The arrays of all steps, without those that the caller gets; of one shape together."""
        trajectories = self.own(Span.TRAJECTORY, Role.SCRATCH, stacks=False)
        stacks = self.own(Span.STEPS, Role.SCRATCH, stacks=True)
        return of_one_shape(
            (*trajectories, *stacks, *self.own(Span.STEPS, Role.SCRATCH, stacks=False))
        )

    @property
    def kept_for_a_step(self) -> list[list[Buffer]]:
        """The arrays of one step, those of one shape together."""
        stacks = self.own(Span.STEP, Role.SCRATCH, stacks=True)
        return of_one_shape((*stacks, *self.own(Span.STEP, Role.SCRATCH, stacks=False)))

    # from step to step

    def carried(self, carry: Carry) -> Quantity:
        """Under whose name the array is known that one step hands to the next."""
        is_apart = carry.entering in self.storage.trajectory or carry.leaving in self.storage.apart
        return carry.entering if is_apart else carry.leaving

    def ends(self, quantities: Iterable[Quantity]) -> list[Quantity]:
        """Where the last values of quantities are: in what would be handed on."""
        carried = {c.leaving: self.carried(c) for c in self.memory.loop.carries}
        kept = self.storage.trajectory.values()
        return [q if q in kept else carried.get(q, q) for q in quantities]


def of_one_shape(buffers: Iterable[Buffer]) -> list[list[Buffer]]:
    """Buffers of one shape together."""
    alike: dict[object, list[Buffer]] = {}
    for buffer in buffers:
        alike.setdefault((buffer.span, _shape(buffer)), []).append(buffer)
    return list(alike.values())


def _shape(buffer: Buffer) -> object:
    """What tells buffers of one shape: the axes of a matrix, or the lengths that add up."""
    (first, *_) = buffer.parts
    return (first.axes,) if len(first.axes) > 1 else buffer.axes


def seen_by(s: Statement) -> list[Group]:
    """What the line of a statement names: first what it reads, then what it writes."""
    if isinstance(s, Activate):  # what it reads lies where it writes
        return [s.outs, *filter(None, [of_function(s, "sigmoid")])]
    return [*s.groups] if isinstance(s, TOTALS) else [*s.groups, *s.written]


def of_function(s: Activate, function: str) -> Group:
    """The quantities that a function of an activation gives; they lie side by side."""
    return tuple(q for q, f in zip(s.outs, s.functions, strict=True) if f == function)


def numbers(s: Statement) -> tuple[sp.Expr, ...]:
    """The expressions that a statement computes."""
    return (s.expr,) if isinstance(s, Pointwise) else ()
