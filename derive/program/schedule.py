"""The order of a phase's statements: whatever is ready first, in the order of the equations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import sympy as sp

from derive.cell import Equation
from derive.nodes import Quantity, symbols_of
from derive.program.loop import Loop
from derive.program.statements import (
    Activate,
    Compute,
    OuterTotal,
    Product,
    PullBack,
    Statement,
    Total,
)
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


def in_order(
    equations: tuple[Equation, ...],
    statements: Iterable[Statement],
    loop: Loop,
    storage: Storage,
    known: set[Quantity],
    written: set[Quantity],
) -> Iterator[Statement]:
    """The statements of a phase in an order in which they can run.

    A statement is ready when everything it reads is complete, and when nobody still needs what it
    writes over. `written`, the places that hold a value already, grows along.
    """
    return _Scheduler(equations, tuple(statements), loop, storage, known, written).run()


class _Scheduler:
    def __init__(self, equations, statements, loop, storage, known, written):
        self.equations, self.loop, self.storage = equations, loop, storage
        self.own = {e.lhs for e in equations}
        self.complete, self.written = set(known) - self.own, written
        self.leaving = {c.leaving for c in loop.carries}
        self.started: set[Quantity] = set()
        self.rhs = {e.lhs: e.rhs for e in loop.equations}
        self.holder: dict[Quantity, Quantity] = {}  # who lies in a place at the moment
        for e in loop.before if equations is loop.during else ():
            self.holder[self.place(e.lhs)] = e.lhs
        rank = {e.lhs: n for n, e in enumerate(equations)}
        tasks = [self.task(s, rank) for s in statements]
        self.waiting = sorted(tasks, key=lambda task: task.priority)

    def task(self, s: Statement, rank: dict[Quantity, int]) -> _Task:
        # In the equations' order, but what the next step needs last, and products before the rest.
        last = all(q in self.leaving for q in s.outs)
        priority = (last, min(rank[q] for q in s.outs), isinstance(s, Compute), str(s.outs))
        read = frozenset(reads(s))
        return _Task(s, read, read.union(*map(self.continued, s.outs)) & self.own, priority)

    def place(self, q: Quantity) -> Quantity:
        return self.storage.home.get(q, q)

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
                    self.holder[self.place(e.lhs)] = e.lhs
                self.complete.add(e.lhs)

    def is_ready(self, task: _Task) -> bool:
        if not task.after <= self.complete:
            return False
        holders = {self.holder.get(self.place(q), self.place(q)) for q in task.statement.outs}
        endangered = holders - set(task.statement.outs)
        if endangered & self.leaving & self.own:
            return False  # what the next step gets stays where it is
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
            for stuck in (q, self.holder.get(self.place(q), self.place(q)))
            if self.place(stuck) != stuck
        ]
        assert stuck, f"no statement can run: {[task.statement for task in self.waiting]}"
        return DeadlockError(next((q for q in stuck if q in self.leaving), stuck[0]))

    def emit(self, statement: Statement) -> Iterator[Statement]:
        """The statement, told whether it adds to something. Where a stacked product adds to some of
        its places only, the others are filled with zeros first."""
        adds = {q: self.place(q) in self.written and self.continues(q) for q in statement.outs}
        if any(adds.values()):
            for q in (q for q, started in adds.items() if not started):
                yield Compute((q,), False, sp.S.Zero)
        self.written.update(map(self.place, statement.outs))
        self.started.update(statement.outs)
        self.holder |= {self.place(q): q for q in statement.outs}
        yield replace(statement, adds=any(adds.values()))

    def continues(self, q: Quantity) -> bool:
        """Whether what lies in q's place is a part of q: a term computed before the loop, or by an
        earlier statement."""
        return q in self.started or bool(self.continued(q))

    def continued(self, q: Quantity) -> set[Quantity]:
        """The terms of q that lie in its place, so that the others are added to them there."""
        terms = sp.Add.make_args(self.rhs[q])
        return {t for t in terms if isinstance(t, Quantity) and self.place(t) == self.place(q)}


def reads(statement: Statement) -> Iterable[Quantity]:
    """The quantities a statement reads."""
    match statement:
        case Product():
            return {statement.operand}
        case PullBack():
            return set(statement.operands)
        case OuterTotal():
            return {*statement.lefts, statement.right}
        case Total():
            return frozenset().union(*(symbols_of(t) for t in statement.terms))
        case Activate():
            return set(statement.arguments)
        case Compute():
            return symbols_of(statement.expr)
    return set()
