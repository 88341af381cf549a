"""The memory of a routine: which arrays there are, how long each is kept, and where in them a
quantity lies.

All of it is decided here, before a line of any language is printed. A buffer has *parts* side by
side along its last axis, one for most, and for a stack of gates one for each gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property

from derive.nodes import Axis, Quantity
from derive.program.loop import Loop
from derive.program.routine import Routine
from derive.program.statements import Group
from derive.program.sums import unnamed


class Span(Enum):
    """For how long a buffer is kept, which says what axes it has before those of its parts."""

    ONCE = auto()  # none: the same for every step and sequence
    STEP = auto()  # (B, …): one step, written over by the next
    STEPS = auto()  # (T, B, …)
    TRAJECTORY = auto()  # (T + 1, B, …): a state before the first step and after each


class Role(Enum):
    """What a buffer is for."""

    ARGUMENT = auto()  # the caller's, only read
    TAPE = auto()  # what forward keeps for the other routines
    RESULT = auto()  # what the caller gets
    CARRY = auto()  # what one step hands to the next
    SCRATCH = auto()  # the routine's own


@dataclass(frozen=True)
class Buffer:
    """An array, called after what lies in it.

    name   the name of the stack, or of the quantity; of an argument or a result its own, or empty
           where it is a part of one
    parts  the quantities whose places these are, side by side
    """

    name: str
    parts: Group
    span: Span
    role: Role

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of its parts."""
        return tuple(axis for q in self.parts for axis in q.axes)


@dataclass(frozen=True)
class Region:
    """Neighbouring parts of a buffer; `shift` is 1 for what a step leaves in a trajectory."""

    buffer: Buffer
    first: int = 0
    count: int = 1
    shift: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the buffer."""
        return self.count == len(self.buffer.parts)

    @property
    def before(self) -> Group:
        """The parts before it."""
        return self.buffer.parts[: self.first]

    @property
    def parts(self) -> Group:
        """Its own parts."""
        return self.buffer.parts[self.first : self.first + self.count]


@dataclass(frozen=True)
class Memory:
    """The buffers that a routine makes, and the region of every quantity that has a place.

    routine  the routine
    given    regions of buffers that are there before it starts
    results  for each quantity the caller wants of every step, the name of the array that is
             returned
    """

    routine: Routine
    given: Mapping[Quantity, Region]
    results: Mapping[Quantity, str]

    @property
    def loop(self) -> Loop:
        """The routine's loop."""
        return self.routine.loop

    @cached_property
    def own(self) -> tuple[Buffer, ...]:
        """The buffers that the routine makes, those of all steps first."""
        without = unnamed(self.routine.statements)
        buffers = dict.fromkeys(region.buffer for region in self.homes.values())
        return tuple(b for b in buffers if not without.issuperset(b.parts))

    @cached_property
    def homes(self) -> dict[Quantity, Region]:
        """The region of each home, that is of each quantity with a place of its own."""
        storage, loop = self.routine.storage, self.loop
        found: dict[Quantity, Region] = {}
        for entering, leaving in storage.trajectory.items():
            buffer = Buffer(entering.name, (entering,), Span.TRAJECTORY, Role.SCRATCH)
            found |= {entering: Region(buffer), leaving: Region(buffer, shift=1)}
        once = [s for s in storage.stacks if storage.constants.issuperset(s.members)]
        for stack in once:
            buffer = Buffer(stack.name, stack.members, Span.ONCE, Role.SCRATCH)
            found |= {q: Region(buffer, k) for k, q in enumerate(stack.members)}
        for span, wanted in ((Span.STEPS, True), (Span.STEP, False)):
            for stack in storage.stacks:
                if storage.is_sequence(stack.members[0]) is wanted and stack not in once:
                    buffer = Buffer(stack.name, stack.members, span, Role.SCRATCH)
                    found |= {q: Region(buffer, k) for k, q in enumerate(stack.members)}
            if wanted:
                alone = self._by_definition(storage.sequences - found.keys())
                found |= {q: Region(self._sequence(q)) for q in alone}
        for carry in loop.carries:
            if carry.entering not in found:
                buffer = Buffer(carry.entering.name, (carry.entering,), Span.STEP, Role.CARRY)
                found[carry.entering] = Region(buffer)
        for e in loop.equations:
            home = storage.place(e.lhs)
            if home not in found and home not in storage.local | loop.totals | self.given.keys():
                span = Span.ONCE if home in storage.constants else Span.STEP
                found[home] = Region(Buffer(home.name, (home,), span, Role.SCRATCH))
        return found

    def _sequence(self, q: Quantity) -> Buffer:
        """All steps of a quantity that is in no stack."""
        if q in self.results:
            return Buffer(self.results[q], (q,), Span.STEPS, Role.RESULT)
        return Buffer(q.name, (q,), Span.STEPS, Role.SCRATCH)

    def _by_definition(self, homes: Iterable[Quantity]) -> list[Quantity]:
        """Homes in the order in which what lies in them is defined."""
        rank = {self.routine.storage.place(e.lhs): n for n, e in enumerate(self.loop.equations)}
        return sorted(homes, key=rank.__getitem__)

    def region(self, group: Group) -> Region:
        """Where a quantity, or several side by side, lie."""
        (first, *_), place = group, self.routine.storage.place
        found = self.given.get(first) or self.homes[place(first)]
        return found if len(group) == 1 else replace(found, count=len(group))

    def is_once(self, q: Quantity) -> bool:
        """Whether a quantity is the same for every step and sequence, though not a parameter."""
        return q in self.routine.storage.constants
