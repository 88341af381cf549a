"""The loops of a cell: forward, backward, one step of forward, the tangent's, and the adjoint's
tangent.

A loop is a pass over the steps (`derive.program.passes`) that went through the rules.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from derive.adjoint import Adjoint
from derive.cell import Equation, settled
from derive.nodes import Quantity
from derive.program.loop import Loop, drop_unused, needed_for
from derive.program.passes import (
    adjoint_pass,
    adjoint_tangent_pass,
    dots,
    forward_pass,
    one_step,
    tangent_pass,
)
from derive.program.policy import PER_CALL, Policy
from derive.program.rules.collect import collect
from derive.program.rules.defer import defer
from derive.program.rules.hoist import hoist
from derive.program.rules.inline import inline
from derive.program.rules.reduce import reductions_apart
from derive.program.rules.share import share


class Loops:
    """The loops of a cell, each scheduled when it is asked for.

    store   "all" keeps every intermediate result that the way back reads; "states" keeps inputs and
            states only, and computes the rest again, for all steps at once, when it is needed
            (rematerialisation); "everything" keeps every quantity and, on the way back, every
            adjoint, for somebody who wants to see them. With "checkpoints" a routine runs on a
            few steps at a time and keeps "all" of these: what runs it is the target's
    policy  what is cheap in the target
    """

    def __init__(self, adjoint: Adjoint, store: str = "all", policy: Policy = PER_CALL):
        self.adjoint, self.store, self.policy = adjoint, store, policy
        cell = adjoint.cell
        given = frozenset({*cell.given, *cell.states, *cell.parameters})
        self.trajectory = given | frozenset(cell.updates.values())

    # the loops

    @cached_property
    def forward(self) -> Loop:
        """From the inputs and the initial state to the outputs."""
        return _finish(self._scheduled(forward_pass(self.adjoint, self.saved)))

    @cached_property
    def backward(self) -> Loop:
        """From the adjoints of outputs and final state to those of parameters, inputs and initial
        state."""
        return self._finished(self._way_back, self.adjoint.computed)

    @cached_property
    def step(self) -> Loop:
        """One step of forward by itself, for streaming."""
        return _finish(drop_unused(hoist(one_step(self.adjoint), self.policy)))

    @cached_property
    def jvp(self) -> Loop:
        """From the tangents of parameters, inputs and initial state to those of the outputs."""
        return self._finished(self._scheduled(inline(collect(self._tangents))), self._recomputable)

    @cached_property
    def hvp(self) -> tuple[Loop, Loop]:
        """The tangents that hvp's way back needs, then the way back: adjoints and their tangents
        together."""
        return self._there_and_back(frozenset())

    @cached_property
    def tangents(self) -> tuple[Loop, Loop]:
        """The same for a target where jvp and hvp have their tangents of one function: those of the
        outputs are among them."""
        return self._there_and_back(frozenset({self.dot[self.adjoint.cell.output]}))

    def _there_and_back(self, wanted: frozenset[Quantity]) -> tuple[Loop, Loop]:
        """The two ways of hvp, where on the first one more is wanted of every step."""
        moving = {e.lhs for e in self._tangents.during if e not in self._fixed_tangents}
        back = self._scheduled(
            adjoint_tangent_pass(self.adjoint, self.dot, {e.lhs for e in self._tangents.during})
        )
        handed = (back.reads() - self.trajectory) & moving
        last = {self.dot[s] for s in self.adjoint.cell.updates.values()}
        tangents = replace(self._tangents, wanted=handed | last | wanted)
        there = self._scheduled(inline(collect(tangents)))
        return _hand_on(
            self._finished(there, self._recomputable),
            self._finished(back, self._recomputable, handed),
            self._fixed | {self.dot[q] for q in self._fixed},
        )

    # what they share

    @cached_property
    def saved(self) -> tuple[Quantity, ...]:
        """What forward keeps for the others, apart from the inputs and the states."""
        forward = [e.lhs for e in self.adjoint.forward if e.lhs not in self.trajectory]
        if self.store in ("states", "everything"):
            return tuple(forward) if self.store == "everything" else ()
        needs = self._way_back.reads() - self.trajectory - self._fixed
        return tuple(q for q in forward if q in needs)

    @cached_property
    def adjoints(self) -> tuple[Quantity, ...]:
        """What backward keeps for others, apart from the adjoints of inputs and parameters."""
        if self.store != "everything":
            return ()
        cell, bar = self.adjoint.cell, self.adjoint.bar
        own = {bar[q] for q in bar if q not in (*cell.parameters, *cell.inputs)}
        return tuple(e.lhs for e in self.adjoint.backward if e.lhs in own)

    @cached_property
    def dot(self) -> dict[Quantity, Quantity]:
        """For each quantity, its tangent."""
        return dots(self.adjoint)

    @cached_property
    def _way_back(self) -> Loop:
        """Backward, as if forward had kept everything."""
        return self._scheduled(inline(adjoint_pass(self.adjoint, self.adjoints)))

    @cached_property
    def _tangents(self) -> Loop:
        return tangent_pass(self.adjoint, self.dot)

    @cached_property
    def _fixed(self) -> set[Quantity]:
        """What depends on parameters alone: cheaper to compute again than to keep."""
        cell = self.adjoint.cell
        ends = {cell.output, *cell.updates.values()}
        inner = (e for e in self.adjoint.forward if e.lhs not in ends)
        return settled(cell.parameters, inner)

    @cached_property
    def _fixed_tangents(self) -> tuple[Equation, ...]:
        """The tangents of what depends on parameters alone."""
        fixed = {self.dot[q] for q in self._fixed}
        return tuple(e for e in self._tangents.during if e.lhs in fixed)

    @property
    def _recomputable(self) -> tuple[Equation, ...]:
        return (*self.adjoint.computed, *self._fixed_tangents)

    def _scheduled(self, loop: Loop) -> Loop:
        """The rules that decide what runs when, one after another."""
        known = frozenset(self._fixed) & loop.known
        needed = replace(drop_unused(loop), fixed=loop.fixed | known)
        return drop_unused(defer(hoist(needed, self.policy)))

    def _finished(
        self,
        loop: Loop,
        recomputable: tuple[Equation, ...],
        handed: frozenset[Quantity] = frozenset(),
    ) -> Loop:
        """A loop after forward, with what was not kept or `handed` on computed again before it."""
        kept = self.trajectory | frozenset(self.saved) | handed
        return _finish(_recompute(loop, recomputable, kept))


def _finish(loop: Loop) -> Loop:
    """The rules for what is written where all is in its place."""
    shared = share(loop)
    apart = reductions_apart(shared)
    return shared if apart == shared else share(apart)


def _recompute(loop: Loop, forward: tuple[Equation, ...], kept: frozenset[Quantity]) -> Loop:
    """The loop with what it reads of the forward pass, but nobody kept, computed again before
    it."""
    missing = loop.reads() - kept
    needed = needed_for(missing, tuple(e for e in forward if e.lhs not in kept))
    again = tuple(e for e in forward if e.lhs in needed and e.lhs not in kept)
    fixed = loop.fixed - {e.lhs for e in again}  # it is known no longer, but made
    return replace(loop, before=(*again, *loop.before), fixed=fixed)


def _hand_on(there: Loop, back: Loop, fixed: set[Quantity]) -> tuple[Loop, Loop]:
    """What both compute before they begin is computed once, on the way there.

    What depends on parameters alone is no sequence, and is computed again. What only the way there
    still reads is no longer there on the way back.
    """
    alone = settled(fixed, there.before)
    both = set(there.before) & set(back.before)
    shared = {e for e in both if e.lhs not in alone}
    handed = frozenset(e.lhs for e in shared)
    return (
        replace(there, wanted=there.wanted | handed),
        drop_unused(
            replace(
                back,
                known=back.known | handed,
                before=tuple(e for e in back.before if e not in shared),
            )
        ),
    )
