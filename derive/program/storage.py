"""Where every quantity of a loop lies: which ones share a buffer, and for how many steps it is
kept.

A quantity *takes over* the place of one that nobody reads any more (buffer sharing, decided by
liveness): an activation that of its pre-activation, an adjoint that of the local derivative it is
multiplied with, a new state's adjoint that of the carry. That saves memory traffic, which at large
batches costs as much as arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from derive.cell import Equation, settled
from derive.elementwise import Elementwise
from derive.nodes import Quantity, symbols_of
from derive.program.layout import Layout, Stack
from derive.program.loop import Loop
from derive.program.variants import Variant

Variants = Mapping[Variant, Mapping[Quantity, Quantity]]


@dataclass(frozen=True)
class Storage:
    """The places of a loop's quantities.

    home        for each quantity that took over a place, the one whose place it is
    sequences   homes that hold all steps; the others hold one step and are written over
    trajectory  for each carry that is kept for all steps, (entering, leaving): one array of T + 1
                steps
    constants   quantities that depend on parameters alone, the same at every step
    apart       leaving quantities with a place of their own, copied to the carry's at a step's end
    local       quantities that live within one nest of loops, and have no place
    stacks      the layout's stacks as this loop has them, e.g. of the adjoints of the
                pre-activations
    """

    home: Mapping[Quantity, Quantity]
    sequences: frozenset[Quantity]
    trajectory: Mapping[Quantity, Quantity]
    constants: frozenset[Quantity]
    stacks: tuple[Stack, ...]
    apart: frozenset[Quantity] = frozenset()
    local: frozenset[Quantity] = frozenset()

    def place(self, q: Quantity) -> Quantity:
        """The quantity in whose place this one lies, itself where it has its own."""
        return self.home.get(q, q)

    def is_sequence(self, q: Quantity) -> bool:
        """Whether all steps of the quantity are kept."""
        return self.place(q) in self.sequences

    @cached_property
    def slots(self) -> Mapping[Quantity, tuple[int, int]]:
        """For each member of a stack, which stack it is in, and where in it."""
        return {
            q: (n, k) for n, stack in enumerate(self.stacks) for k, q in enumerate(stack.members)
        }


@dataclass(frozen=True)
class Wishes:
    """What else decides about places.

    variants    what a stack's members are called in each variant: themselves, their adjoints, …
    parameters  every parameter, gradient and direction
    alike       further quantities that are to lie side by side, since they are computed alike
    apart       quantities that may not take over a place
    local       quantities that need none
    """

    variants: Variants
    parameters: frozenset[Quantity]
    alike: tuple[Stack, ...] = ()
    apart: frozenset[Quantity] = frozenset()
    local: frozenset[Quantity] = frozenset()


def store(loop: Loop, layout: Layout, wishes: Wishes) -> Storage:
    """Find a place for everything in a loop."""
    constants = constants_of(loop, wishes.parameters)
    late = _kept(loop, constants) | {s for e in loop.after for s in symbols_of(e.rhs)}
    across = [c for c in loop.carries if {c.entering, c.leaving} & late]
    trajectory = {} if loop.reverse else {c.entering: c.leaving for c in across}
    apart = wishes.apart | {c.leaving for c in across if loop.reverse}
    stacks = (*_stacks_here(loop, layout, wishes.variants, constants), *wishes.alike)
    home = _Homes(loop, stacks, trajectory, constants | wishes.local, apart).run()
    kept = {home.get(q, q) for q in _kept(loop, constants)}
    for stack in stacks:
        if kept & set(stack.members):
            kept |= set(stack.members)
    return Storage(home, frozenset(kept), trajectory, constants, stacks, apart, wishes.local)


def constants_of(loop: Loop, given: frozenset[Quantity]) -> frozenset[Quantity]:
    """What depends on parameters alone: it is computed once, for all steps and sequences."""
    return frozenset(settled(given, (e for e in loop.before if e.lhs not in loop.ends)) - given)


def _stacks_here(
    loop: Loop, layout: Layout, variants: Variants, constants: frozenset[Quantity]
) -> Iterator[Stack]:
    """A stack is laid out in a loop where the loop defines all its members, under whichever
    names."""
    defined = {e.lhs for e in loop.equations} - constants
    for variant, called in variants.items():
        for stack in layout.stacks:
            members = tuple(called.get(q, q) for q in stack.members)
            if defined.issuperset(members):
                yield replace(stack, name=variant.of(stack.name), members=members)


def _kept(loop: Loop, constants: frozenset[Quantity]) -> set[Quantity]:
    """The quantities of which all steps are needed: those that cross into or out of the time
    loop."""
    early = {e.lhs for e in loop.before} - constants
    during = {e.lhs for e in loop.during}
    late = {e.lhs for e in loop.after}
    read_late = {s for e in loop.after for s in symbols_of(e.rhs)}
    return early | late - loop.totals | during & (read_late | loop.wanted)


class _Homes:
    """Decides who takes over whose place."""

    def __init__(self, loop: Loop, stacks, trajectory, constants, apart):
        self.loop = loop
        self.apart = apart
        self.fixed = {q for pair in trajectory.items() for q in pair} | constants
        self.kept = _kept(loop, constants)
        self.early = {e.lhs for e in loop.before}
        self.stacked = {q for stack in stacks for q in stack.members}
        self.home: dict[Quantity, Quantity] = {}
        self.chain = {c.entering: c.entering for c in loop.carries if c.entering not in trajectory}
        self.leaving = {
            c.leaving: c.entering
            for c in loop.carries
            if c.entering not in trajectory and c.leaving not in apart
        }

    def run(self) -> dict[Quantity, Quantity]:
        for equation in self.loop.equations:
            self.place(equation)
        return {q: self.root(q) for q in self.home}

    def root(self, q: Quantity) -> Quantity:
        while q in self.home:
            q = self.home[q]
        return q

    def place(self, equation: Equation) -> None:
        q = equation.lhs
        if q in self.leaving:
            self.home[q] = self.leaving[q]
            return
        if q in self.fixed | self.loop.totals or q in self.apart:
            return
        if q in self.loop.last or (self.loop.reverse and q in self.loop.wanted):
            return  # an array that the caller gets
        for p in sorted(self.candidates(equation), key=str):
            carries = self.chain.get(self.root(p)) and q not in self.kept | self.stacked
            if carries and not self.shares(equation, p):
                self.home[q] = p  # the carry flows through
                return
        for p in sorted(self.candidates(equation), key=str):
            if self.may_follow(equation, p) and not self.shares(equation, p):
                first, second = (p, q) if q in self.stacked else (q, p)
                if self.root(first) != self.root(second):
                    self.home[self.root(first)] = self.root(second)
                return

    def candidates(self, equation: Equation) -> set[Quantity]:
        """What the equation is the only one to read, and can be computed in the place of."""
        rhs = equation.rhs
        parts = (
            rhs.args
            if isinstance(rhs, Elementwise)
            else (*sp.Add.make_args(rhs), *sp.Mul.make_args(rhs))
        )
        return {
            p
            for p in parts
            if isinstance(p, Quantity)
            and self.loop.readers[p] == 1
            and p.axes == equation.lhs.axes
            and p not in self.fixed | self.loop.ends | self.apart
        }

    def shares(self, equation: Equation, p: Quantity) -> bool:
        """Whether the equation reads something else that is to lie in the place of `p`."""
        others = symbols_of(equation.rhs) - {p}
        return any(self.root(other) == self.root(p) for other in others)

    def may_follow(self, equation: Equation, p: Quantity) -> bool:
        """Whether the equation's quantity may lie where `p`, made before the loop or just before
        it, lay."""
        q, defined = equation.lhs, {e.lhs for e in self.loop.equations}
        if p not in defined or self.root(p) in self.chain:
            return False
        if p in self.stacked and q in self.stacked:
            return False
        is_activation = isinstance(equation.rhs, Elementwise)
        return is_activation or p in self.stacked or (p in self.early and q not in self.early)
