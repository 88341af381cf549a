"""The passes over the steps of a cell, before any rule: forward, the adjoint's, the tangent's, and
the adjoint's tangent.

Each is the cell's equations, or what `derive.adjoint` and `derive.tangent` made of them, as a
`Loop` whose equations all run at every step. They differ in what is known, what is handed on from
step to step, and what is wanted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from derive.adjoint import Adjoint
from derive.nodes import Quantity
from derive.program.loop import Carry, Loop
from derive.program.rules.collect import collect
from derive.program.rules.inline import inline
from derive.tangent import dotted, tangent


def dots(adjoint: Adjoint) -> dict[Quantity, Quantity]:
    """For each quantity and each adjoint, its tangent."""
    own = (q for q in adjoint.cell.quantities if q != adjoint.cell.number)
    primal = (*own, *(e.lhs for e in adjoint.forward))
    adjoints = (*adjoint.carry.values(), adjoint.seed, *(e.lhs for e in adjoint.backward))
    return dotted(dict.fromkeys((*primal, *adjoints)), adjoint.taken)


def forward_pass(adjoint: Adjoint, saved: Iterable[Quantity]) -> Loop:
    """From the first step to the last: outputs, states, and what is saved for others."""
    cell = adjoint.cell
    return Loop(
        known=frozenset({*cell.given, *cell.parameters}),
        carries=tuple(Carry(state, new) for state, new in cell.updates.items()),
        during=adjoint.computed,
        wanted=frozenset({cell.output, *cell.updates.values(), *saved}),
        fixed=frozenset(cell.parameters),
    )


def one_step(adjoint: Adjoint) -> Loop:
    """One step by itself: inputs and state arrive with it, and nothing is handed on."""
    cell = adjoint.cell
    return Loop(
        known=frozenset(cell.parameters),
        carries=(),
        during=adjoint.computed,
        wanted=frozenset(),
        arrives=frozenset({*cell.given, *cell.states}),
        last=frozenset({cell.output, *cell.updates.values()}),
        fixed=frozenset(cell.parameters),
    )


def adjoint_pass(adjoint: Adjoint, kept: Iterable[Quantity] = ()) -> Loop:
    """From the last step to the first: the adjoints of the inputs and those that others want, and
    the gradients as totals."""
    cell, bar = adjoint.cell, adjoint.bar
    loop = Loop(
        known=frozenset({*cell.quantities, *(e.lhs for e in adjoint.forward), adjoint.seed}),
        carries=tuple(Carry(adjoint.carry[s], bar[s]) for s in cell.states),
        during=adjoint.backward,
        wanted=frozenset({*(bar[q] for q in cell.inputs), *kept}),
        totals=frozenset(bar[p] for p in cell.parameters),
        fixed=frozenset(cell.parameters),
        base={b: q.name for q, b in bar.items()},
        reverse=True,
    )
    return collect(loop)


def tangent_pass(adjoint: Adjoint, dot: dict[Quantity, Quantity]) -> Loop:
    """From the first step to the last: the tangents of the outputs. Others may want further ones,
    so that it is theirs to divide sums late."""
    cell = adjoint.cell
    primal = (*cell.quantities, *(e.lhs for e in adjoint.forward))
    moving = {q: d for q, d in dot.items() if q not in cell.constants}
    return Loop(
        known=frozenset({*primal, *(dot[q] for q in (*cell.inputs, *cell.parameters))}),
        carries=tuple(Carry(dot[s], dot[new]) for s, new in cell.updates.items()),
        during=tangent(adjoint.forward, moving, {cell.output, *cell.updates.values()}),
        wanted=frozenset({dot[cell.output]}),
        fixed=frozenset({q for p in cell.parameters for q in (p, dot[p])}),
        base={dot[q]: q.name for q in primal if q in dot},
    )


def adjoint_tangent_pass(
    adjoint: Adjoint, dot: dict[Quantity, Quantity], moves: Container[Quantity]
) -> Loop:
    """The way back of hvp: every adjoint equation and its tangent, in one loop. Of the forward
    pass's tangents only those that move are there."""
    loop = inline(adjoint_pass(adjoint))
    dot = dot | dotted({e.lhs for e in loop.during} - dot.keys(), {q.name for q in dot.values()})
    forward = {e.lhs for e in adjoint.forward}
    still = adjoint.cell.constants | {q for q in forward if dot[q] not in moves}
    moving = {q: d for q, d in dot.items() if q not in still}
    tangents = {e.lhs: e for e in tangent(loop.during, moving, loop.ends, by_output=False)}
    both = tuple(
        e for first in loop.during for e in (first, tangents.get(dot[first.lhs])) if e is not None
    )
    known = loop.known | {moving[q] for q in loop.known if q in moving}
    carries = (Carry(dot[c.entering], dot[c.leaving]) for c in loop.carries)
    bases = {dot[q]: f"{name}_dot" for q, name in loop.base.items() if q in dot}
    whole = replace(
        loop,
        known=known,
        during=both,
        carries=(*loop.carries, *carries),
        wanted=frozenset(dot[q] for q in loop.wanted),
        totals=frozenset(dot[q] for q in loop.totals),
        fixed=loop.fixed | {dot[p] for p in loop.fixed},
        base=dict(loop.base) | bases,
    )
    return collect(whole)
