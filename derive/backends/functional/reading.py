"""What a loop takes, keeps and hands on, where nobody writes into an array: before a line of it is
written in any language."""

from __future__ import annotations

from collections.abc import Collection

from derive.cell import settled
from derive.nodes import Quantity, symbols_of
from derive.program.loop import Carry, Loop
from derive.program.program import Program


class Reading:
    """A loop, and who reads what of it.

    later   what others read of it, beside what it is there for
    late    what is read of all steps when its last is over: by others, or by what runs after it
    """

    def __init__(self, program: Program, loop: Loop, later: Collection[Quantity]):
        self.program, self.loop = program, loop
        self.fixed = self._fixed()
        after = frozenset().union(*(symbols_of(e.rhs) for e in loop.after))
        self.later = frozenset(later)
        self.late = after | self.later

    def _fixed(self) -> frozenset[Quantity]:
        """What is the same at every step, and for every sequence."""
        loop = self.loop
        known = {*loop.fixed, *self.program.parameters.of, *loop.totals}
        apart = (e for e in (*loop.before, *loop.after) if e.lhs not in loop.ends)
        return frozenset(settled(known, apart))

    @property
    def _made(self) -> list[Quantity]:
        return [e.lhs for e in self.loop.during]

    @property
    def trajectories(self) -> tuple[Carry, ...]:
        """What is handed on from step to step, and kept before the first step and after each."""
        carries = () if self.loop.reverse else self.loop.carries
        return tuple(c for c in carries if {c.entering, c.leaving} & self.late)

    @property
    def whole(self) -> frozenset[Quantity]:
        """What is read of all steps at once, and what of them step by step."""
        apart = (symbols_of(e.rhs) for e in (*self.loop.before, *self.loop.after))
        return self.later.union(self.taken, *apart)

    @property
    def after_it(self) -> frozenset[Quantity]:
        """What is read of all steps when the loop is over, of forward's."""
        own = {self.program.cell.output}
        return frozenset(own.union(*(symbols_of(e.rhs) for e in self.loop.after)))

    @property
    def kept(self) -> list[Quantity]:
        """What else is kept of every step."""
        there = {c.leaving for c in self.trajectories}
        return [q for q in self._made if q in self.late and q not in there]

    @property
    def taken(self) -> list[Quantity]:
        """What a step finds of what is known for all of them."""
        entering = {c.entering for c in self.loop.carries}
        read = [q for e in self.loop.during for q in sorted(symbols_of(e.rhs), key=str)]
        read += [c.leaving for c in self.loop.carries]
        own = {*self._made, *entering, *self.fixed}
        return [q for q in dict.fromkeys(read) if q not in own]
