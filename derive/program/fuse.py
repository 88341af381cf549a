"""Fusion: runs of elementwise statements as one nest of loops, whose intermediate values are local.

A statement that is not elementwise, a product or a reduction, stands between two nests. Which nest
an equation belongs to follows from the equations alone: the next one after the last product or
reduction that it waits for. A quantity that is read in its own nest only needs no memory at all, so
this is decided before places are given out (`storage`), and carried out once statements are in
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from derive.cell import Equation
from derive.nodes import Node, Quantity, outermost_nodes, symbols_of
from derive.program.loop import Loop
from derive.program.statements import Compute, Fused, Statement


@dataclass(frozen=True)
class Nests:
    """The number of the nest in which each quantity is computed; empty where nothing is fused."""

    number: Mapping[Quantity, int] = field(default_factory=dict)

    def of(self, statement: Statement) -> tuple[int, int]:
        """Where a statement stands among the nests: products and reductions before the nest whose
        statements wait for them. Numbers come before the vectors that read them."""
        if not self.number:
            return (0, 0)
        (q, *_) = statement.outs
        if isinstance(statement, Compute):
            return (2 * self.number[q] + 1, len(q.axes))
        waits_for = [self.number[q] for q in statement.reads if q in self.number]
        return (2 * max((n + 1 for n in waits_for), default=0), 0)


def nests_of(loop: Loop) -> Nests:
    """The nests of all phases of a loop."""
    number: dict[Quantity, int] = {}
    for phase in (loop.before, loop.during, loop.after):
        own: dict[Quantity, int] = {}
        for e in phase:
            inside = _inside_nodes(e)
            waits = [own[q] + (q in inside) for q in symbols_of(e.rhs) if q in own]
            own[e.lhs] = max(waits, default=0)
        number |= own
    return Nests(number)


def local_to(loop: Loop, nests: Nests, constants: frozenset[Quantity]) -> frozenset[Quantity]:
    """What lives within one nest: defined elementwise, and read nowhere but there."""
    phase_of = {
        e.lhs: k for k, phase in enumerate((loop.before, loop.during, loop.after)) for e in phase
    }
    local = {
        e.lhs
        for e in loop.equations
        if not e.rhs.atoms(Node) and e.lhs not in loop.ends | constants
    }
    for e in loop.equations:
        inside = _inside_nodes(e)
        for q in symbols_of(e.rhs) & local:
            apart = phase_of[q] != phase_of[e.lhs] or nests.number[q] != nests.number[e.lhs]
            if apart or q in inside or q.axes != e.lhs.axes or e.lhs in constants | loop.totals:
                local.discard(q)
    return frozenset(local)


def fused(
    statements: Iterable[Statement], nests: Nests, local: frozenset[Quantity], once: frozenset
) -> Iterator[Statement]:
    """The statements, with runs of elementwise ones in nests. What is computed `once`, for all
    steps and sequences, stays by itself."""

    def kind(s: Statement) -> object:
        if not isinstance(s, Compute) or s.outs[0] in once:
            return None
        return nests.of(s), s.outs[0].axes

    for together, run in groupby(statements, key=kind):
        if together is None:
            yield from run
        else:
            body = tuple(s for s in run if isinstance(s, Compute))
            outs = tuple(dict.fromkeys(q for s in body for q in s.outs if q not in local))
            own = frozenset(q for s in body for q in s.outs) & local
            yield Fused(outs, body[0].outs[0].axes, body, own)


def scattered(statements: Iterable[Statement], local: frozenset[Quantity]) -> set[Quantity]:
    """What was to be local to a nest, and is read outside of it all the same."""
    return {q for s in statements for q in s.reads & local}


def _inside_nodes(equation: Equation) -> frozenset[Quantity]:
    """What an equation reads through a product or a reduction."""
    nodes = outermost_nodes(equation.rhs)
    return frozenset().union(*(symbols_of(node) for node in nodes))
