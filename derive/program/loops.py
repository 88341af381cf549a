"""The loops of a cell: forward, backward, one step of forward, the tangent's, and the adjoint's
tangent.

Each is the cell's equations, or what `derive.adjoint` and `derive.tangent` made of them, put into a
`Loop` and through its rules. They differ in what is known, what is handed on and what is wanted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from functools import partial

from derive.adjoint import Adjoint
from derive.cell import Equation
from derive.nodes import Quantity, symbols_of
from derive.program.loop import Carry, Loop, drop_unused, needed_for
from derive.program.policy import PER_CALL, Policy
from derive.program.rules.defer import defer
from derive.program.rules.hoist import hoist
from derive.program.rules.inline import inline
from derive.program.rules.reduce import reductions_apart
from derive.program.rules.share import share
from derive.tangent import dotted, tangent


@dataclass(frozen=True)
class Loops:
    """The loops of a cell.

    saved     what forward keeps for the others, apart from the input and the states
    forward   from the input and the initial state to the outputs
    backward  from the adjoints of outputs and final state to those of parameters, input and initial
              state
    step      one step of forward by itself, for streaming
    jvp       from the tangents of parameters, input and initial state to those of the outputs
    hvp       the tangents that hvp's way back needs, then the way back: adjoints and their tangents
              together
    dot       for each quantity, its tangent
    """

    adjoint: Adjoint
    saved: tuple[Quantity, ...]
    forward: Loop
    backward: Loop
    step: Loop
    jvp: Loop
    hvp: tuple[Loop, Loop]
    dot: dict[Quantity, Quantity]


def loops(adjoint: Adjoint, store: str = "all", policy: Policy = PER_CALL) -> Loops:
    """Schedule a cell's loops.

    store   "all" keeps every intermediate result that the way back reads; "states" keeps input and
            states only, and computes the rest again, for all steps at once, when it is needed
            (rematerialisation)
    policy  what is cheap in the target
    """
    cell, schedule = adjoint.cell, partial(_schedule, policy=policy)
    given = frozenset({cell.input, *cell.states, *cell.parameters})
    trajectory = given | frozenset(cell.updates.values())
    dot = _dots(adjoint)

    backward = schedule(inline(_adjoint_loop(adjoint)))
    needs = backward.reads() - trajectory
    fixed = _fixed(adjoint)
    recomputed = [e.lhs for e in adjoint.forward if e.lhs in needs and e.lhs not in fixed]
    saved = tuple(recomputed) if store == "all" else ()
    kept = trajectory | frozenset(saved)

    tangents = _tangent_loop(adjoint, dot)
    adjoint_tangents = schedule(
        _adjoint_tangent_loop(adjoint, dot, {e.lhs for e in tangents.during})
    )
    fixed_tangents = tuple(e for e in tangents.during if e.lhs in {dot[q] for q in fixed})
    recomputable = (*adjoint.computed, *fixed_tangents)
    moving = {e.lhs for e in tangents.during if e not in fixed_tangents}
    handed = (adjoint_tangents.reads() - trajectory) & moving
    there = replace(tangents, wanted=handed | {dot[s] for s in cell.updates.values()})
    return Loops(
        adjoint=adjoint,
        saved=saved,
        forward=_finish(schedule(_forward(adjoint, saved))),
        backward=_finish(_recompute(backward, recomputable, kept)),
        step=_finish(drop_unused(hoist(_step(adjoint), policy))),
        jvp=_finish(_recompute(schedule(inline(tangents)), recomputable, kept)),
        hvp=_hand_on(
            _finish(_recompute(schedule(inline(there)), recomputable, kept)),
            _finish(_recompute(adjoint_tangents, recomputable, kept | handed)),
            fixed,
        ),
        dot=dot,
    )


def _fixed(adjoint: Adjoint) -> set[Quantity]:
    """What depends on parameters alone: cheaper to compute again than to keep."""
    ends = {adjoint.cell.output, *adjoint.cell.updates.values()}
    fixed = set(adjoint.cell.parameters)
    for e in adjoint.forward:
        if symbols_of(e.rhs) <= fixed and e.lhs not in ends:
            fixed.add(e.lhs)
    return fixed


def _schedule(loop: Loop, policy: Policy) -> Loop:
    """The rules that decide what runs when, one after another."""
    return drop_unused(defer(hoist(drop_unused(loop), policy)))


def _finish(loop: Loop) -> Loop:
    """The rules for what is written where all is in its place."""
    shared = share(loop)
    apart = reductions_apart(shared)
    return shared if apart == shared else share(apart)


def _dots(adjoint: Adjoint) -> dict[Quantity, Quantity]:
    primal = (*adjoint.cell.quantities, *(e.lhs for e in adjoint.forward))
    adjoints = (*adjoint.carry.values(), adjoint.seed, *(e.lhs for e in adjoint.backward))
    return dotted(dict.fromkeys((*primal, *adjoints)), adjoint.taken)


def _forward(adjoint: Adjoint, saved: Iterable[Quantity]) -> Loop:
    cell = adjoint.cell
    return Loop(
        known=frozenset({cell.input, *cell.parameters}),
        carries=tuple(Carry(state, new) for state, new in cell.updates.items()),
        during=adjoint.computed,
        wanted=frozenset({cell.output, *cell.updates.values(), *saved}),
        fixed=frozenset(cell.parameters),
    )


def _step(adjoint: Adjoint) -> Loop:
    """One step by itself: input and state arrive with it, and nothing is handed on."""
    cell = adjoint.cell
    return Loop(
        known=frozenset(cell.parameters),
        carries=(),
        during=adjoint.computed,
        wanted=frozenset(),
        arrives=frozenset({cell.input, *cell.states}),
        last=frozenset({cell.output, *cell.updates.values()}),
    )


def _adjoint_loop(adjoint: Adjoint) -> Loop:
    cell, bar = adjoint.cell, adjoint.bar
    return Loop(
        known=frozenset({*cell.quantities, *(e.lhs for e in adjoint.forward), adjoint.seed}),
        carries=tuple(Carry(adjoint.carry[s], bar[s]) for s in cell.states),
        during=adjoint.backward,
        wanted=frozenset({bar[cell.input]}),
        totals=frozenset(bar[p] for p in cell.parameters),
        fixed=frozenset(cell.parameters),
        base=_bases(adjoint),
        reverse=True,
    )


def _bases(adjoint: Adjoint) -> dict[Quantity, str]:
    return {bar: q.name for q, bar in adjoint.bar.items()}


def _tangent_loop(adjoint: Adjoint, dot: dict[Quantity, Quantity]) -> Loop:
    cell = adjoint.cell
    primal = (*cell.quantities, *(e.lhs for e in adjoint.forward))
    return Loop(
        known=frozenset({*primal, dot[cell.input], *(dot[p] for p in cell.parameters)}),
        carries=tuple(Carry(dot[s], dot[new]) for s, new in cell.updates.items()),
        during=tangent(adjoint.forward, dot, {cell.output, *cell.updates.values()}),
        wanted=frozenset({dot[cell.output]}),
        fixed=frozenset({q for p in cell.parameters for q in (p, dot[p])}),
        base={dot[q]: q.name for q in primal},
    )


def _adjoint_tangent_loop(
    adjoint: Adjoint, dot: dict[Quantity, Quantity], moves: Container[Quantity]
) -> Loop:
    """The way back of hvp: every adjoint equation and its tangent, in one loop. Of the forward
    pass's tangents only those that move are there."""
    loop = inline(_adjoint_loop(adjoint))
    forward = {e.lhs for e in adjoint.forward}
    moving = {q: d for q, d in dot.items() if q not in forward or d in moves}
    tangents = {e.lhs: e for e in tangent(loop.during, moving, loop.ends, by_output=False)}
    both = tuple(
        e for first in loop.during for e in (first, tangents.get(dot[first.lhs])) if e is not None
    )
    known = loop.known | {moving[q] for q in loop.known if q in moving}
    carries = (Carry(dot[c.entering], dot[c.leaving]) for c in loop.carries)
    bases = {dot[q]: f"{name}_dot" for q, name in loop.base.items() if q in dot}
    return replace(
        loop,
        known=known,
        during=both,
        carries=(*loop.carries, *carries),
        wanted=frozenset(dot[q] for q in loop.wanted),
        totals=frozenset(dot[q] for q in loop.totals),
        fixed=loop.fixed | {dot[p] for p in loop.fixed},
        base=dict(loop.base) | bases,
    )


def _recompute(loop: Loop, forward: tuple[Equation, ...], kept: frozenset[Quantity]) -> Loop:
    """The loop with what it reads of the forward pass, but nobody kept, computed again before
    it."""
    missing = loop.reads() - kept
    needed = needed_for(missing, tuple(e for e in forward if e.lhs not in kept))
    again = tuple(e for e in forward if e.lhs in needed and e.lhs not in kept)
    return replace(loop, before=(*again, *loop.before))


def _hand_on(there: Loop, back: Loop, fixed: set[Quantity]) -> tuple[Loop, Loop]:
    """What both compute before they begin is computed once, on the way there.

    What depends on parameters alone is no sequence, and is computed again.
    """
    both = set(there.before) & set(back.before)
    shared = {e for e in both if not symbols_of(e.rhs) <= fixed}
    handed = frozenset(e.lhs for e in shared)
    return (
        replace(there, wanted=there.wanted | handed),
        replace(
            back,
            known=back.known | handed,
            before=tuple(e for e in back.before if e not in shared),
        ),
    )
