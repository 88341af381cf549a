"""The order of a phase's statements: whatever is ready first, in the order of the equations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import sympy as sp

from derive.cell import Equation
from derive.nodes import Quantity, symbols_of
from derive.program.fuse import Nests
from derive.program.loop import Loop
from derive.program.statements import PRODUCTS, Compute, Statement
from derive.program.storage import Storage


class DeadlockError(Exception):
    """A quantity cannot lie in another's place; the argument is the quantity."""


@dataclass(eq=False)
class _Task:
    """A statement that waits.

    reads     what it reads
    after     what must be complete before: what it reads, and what it adds to
    priority  the order among statements that are ready
    """

    statement: Statement
    reads: frozenset[Quantity]
    after: frozenset[Quantity]
    priority: tuple


@dataclass
class Progress:
    """How far a routine has come: what is known, and which places hold a value already."""

    known: set[Quantity]
    written: set[Quantity]


def in_order(
    equations: tuple[Equation, ...],
    statements: Iterable[Statement],
    loop: Loop,
    storage: Storage,
    nests: Nests,
    progress: Progress,
) -> Iterator[Statement]:
    """The statements of a phase in an order in which they can run.

    A statement is ready when everything it reads is complete, and when nobody still needs what it
    writes over. `progress` moves on to the phase's end. Raises DeadlockError where a quantity
    cannot lie where `storage` has it.
    """
    return _Scheduler(equations, tuple(statements), loop, storage, nests, progress).run()


class _Scheduler:
    def __init__(self, equations, statements, loop, storage, nests, progress):
        self.equations, self.loop, self.storage, self.nests = equations, loop, storage, nests
        self.own = {e.lhs for e in equations}
        self.complete, self.written = progress.known - self.own, progress.written
        self.leaving = {c.leaving for c in loop.carries}
        self.started: set[Quantity] = set()
        self.rhs = {e.lhs: e.rhs for e in loop.equations}
        self.holder: dict[Quantity, Quantity] = {}  # who lies in a place at the moment
        for e in loop.before if equations is loop.during else ():
            self.holder[storage.place(e.lhs)] = e.lhs
        rank = {e.lhs: n for n, e in enumerate(equations)}
        tasks = [self.task(s, rank) for s in statements]
        self.waiting = sorted(tasks, key=lambda task: task.priority)
        progress.known |= self.own

    def task(self, s: Statement, rank: dict[Quantity, int]) -> _Task:
        # In the equations' order, but what the next step needs last, and products before the rest.
        last = all(q in self.leaving for q in s.outs)
        is_compute = isinstance(s, Compute)
        nest = self.nests.of(s)
        first = min(rank[q] for q in s.outs)
        priority = (nest, last, first, is_compute, str(s.outs))
        return _Task(s, s.reads, s.reads.union(*map(self.continued, s.outs)) & self.own, priority)

    def run(self) -> Iterator[Statement]:
        self.settle()
        while self.waiting:
            chosen = next((task for task in self.waiting if self.is_ready(task)), None)
            if chosen is None:
                raise self.deadlock()
            self.waiting.remove(chosen)
            yield from self.emit(chosen.statement)
            self.settle()

    def settle(self) -> None:
        """Note which quantities are complete: no statement is left that writes them, or there never
        was one, as for an adjoint that is nothing but the carry in whose place it lies."""
        unfinished = {q for task in self.waiting for q in task.statement.outs}
        for e in self.equations:
            if e.lhs not in unfinished and symbols_of(e.rhs) & self.own <= self.complete:
                if e.lhs not in self.complete | self.started:
                    self.holder[self.storage.place(e.lhs)] = e.lhs
                self.complete.add(e.lhs)

    def held_by(self, q: Quantity) -> Quantity:
        """Who lies in the place of q at the moment."""
        place = self.storage.place(q)
        return self.holder.get(place, place)

    def is_ready(self, task: _Task) -> bool:
        if not task.after <= self.complete:
            return False
        endangered = {self.held_by(q) for q in task.statement.outs} - set(task.statement.outs)
        if endangered & self.leaving & self.own:
            return False  # what the next step gets stays where it is
        if isinstance(task.statement, PRODUCTS) and task.reads & endangered:
            return False  # its first entry would be written before its last is computed
        others = (other for other in self.waiting if other is not task)
        return not (endangered and any(o.reads & endangered for o in others))

    def deadlock(self) -> DeadlockError:
        """Some quantity wants the place of what others still read: preferably a leaving one, which
        only costs a copy."""
        stuck = [
            stuck
            for task in self.waiting
            if task.after <= self.complete
            for q in task.statement.outs
            for stuck in (q, self.held_by(q))
            if self.storage.place(stuck) != stuck
        ]
        assert stuck, f"no statement can run: {[task.statement for task in self.waiting]}"
        return DeadlockError(next((q for q in stuck if q in self.leaving), stuck[0]))

    def emit(self, statement: Statement) -> Iterator[Statement]:
        """The statement, told whether it adds to something. Where a stacked product adds to some of
        its places only, the others are filled with zeros first."""
        place = self.storage.place
        adds = {q: place(q) in self.written and self.continues(q) for q in statement.outs}
        if any(adds.values()):
            for q in (q for q, started in adds.items() if not started):
                yield Compute((q,), sp.S.Zero)
        self.written.update(map(place, statement.outs))
        self.started.update(statement.outs)
        self.holder |= {place(q): q for q in statement.outs}
        yield replace(statement, adds=any(adds.values()))

    def continues(self, q: Quantity) -> bool:
        """Whether what lies in q's place is a part of q: a term computed before the loop, or by an
        earlier statement."""
        return q in self.started or bool(self.continued(q))

    def continued(self, q: Quantity) -> set[Quantity]:
        """The terms of q that lie in its place, so that the others are added to them there."""
        place = self.storage.place
        terms = sp.Add.make_args(self.rhs[q])
        return {t for t in terms if isinstance(t, Quantity) and place(t) == place(q)}
