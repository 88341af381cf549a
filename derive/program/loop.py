"""A loop over time, and the rules that decide what runs when.

A `Loop` says what one step computes, from what all steps know beforehand and from what the step
before it hands over. Every rule is a function from one Loop to another: the schedule is
computed, not written by hand, and none of them knows which cell, or which derivative, it is
looking at:

- `inline`  an equation read once, by one product, becomes part of that product;
- `hoist`   what does not depend on the step before is computed for all steps at once, before the
            loop, and what is the same at every step once (`derive.program.hoist`);
- `defer`   what the step after does not depend on is computed for all steps at once, after the
            loop;
- `share`   what several equations have in common is computed once (`derive.program.share`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.nodes import Node, Quantity, outermost_nodes, symbols_of


@dataclass(frozen=True)
class Carry:
    """What one step hands to the next: `leaving` at one step's end is `entering` at the next one's
    start."""

    entering: Quantity
    leaving: Quantity


@dataclass(frozen=True)
class Loop:
    """A loop over time.

    known    quantities that every step has before the loop starts
    carries  what one step hands to the next
    before   equations evaluated for all steps at once, before the loop
    during   one step
    after    equations evaluated for all steps at once, after the loop
    wanted   quantities the caller wants of every step
    arrives  quantities that are known only within their own step, as the input is when it streams
    last     quantities the caller wants of the last step
    totals   quantities of which the caller wants the sum over all steps and sequences (gradients
             of parameters)
    fixed    of what is known, what is the same at every step: parameters and their tangents
    base     for adjoints and tangents, the name of the quantity they belong to
    reverse  whether it runs from the last step to the first
    """

    known: frozenset[Quantity]
    carries: tuple[Carry, ...]
    during: tuple[Equation, ...]
    wanted: frozenset[Quantity]
    totals: frozenset[Quantity] = frozenset()
    arrives: frozenset[Quantity] = frozenset()
    last: frozenset[Quantity] = frozenset()
    fixed: frozenset[Quantity] = frozenset()
    before: tuple[Equation, ...] = ()
    after: tuple[Equation, ...] = ()
    base: Mapping[Quantity, str] = field(default_factory=dict)
    reverse: bool = False

    @property
    def equations(self) -> tuple[Equation, ...]:
        """All of them, in order of evaluation."""
        return (*self.before, *self.during, *self.after)

    @property
    def ends(self) -> frozenset[Quantity]:
        """What the loop is there for."""
        return self.wanted | self.totals | self.last | {carry.leaving for carry in self.carries}

    def reads(self) -> frozenset[Quantity]:
        """What it reads that is not its own."""
        own = {e.lhs for e in self.equations} | {c.entering for c in self.carries} | self.arrives
        return frozenset().union(*(symbols_of(e.rhs) for e in self.equations)) - own

    def taken(self) -> set[str]:
        """Every name in use."""
        symbols = (
            set(self.known | self.arrives)
            | {e.lhs for e in self.equations}
            | {c.entering for c in self.carries}
        )
        return {q.name for q in symbols.union(*(symbols_of(e.rhs) for e in self.equations))}


def drop_unused(loop: Loop) -> Loop:
    """Without the equations that nothing wanted depends on."""
    needed = needed_for(loop.ends, loop.equations)

    def kept(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
        return tuple(e for e in equations if e.lhs in needed)

    return replace(loop, before=kept(loop.before), during=kept(loop.during), after=kept(loop.after))


def needed_for(ends: Iterable[Quantity], equations: tuple[Equation, ...]) -> set[Quantity]:
    """Everything that must be known to evaluate `ends`, the ends among it."""
    needed = set(ends)
    for equation in reversed(equations):
        if equation.lhs in needed:
            needed |= symbols_of(equation.rhs)
    return needed


# --- inline --------------------------------------------------------------------------------------


def inline(loop: Loop) -> Loop:
    """Put an equation that is a plain product, and is read exactly once, in the place where it is
    read.

    The chain rule through an activation is such a product, ``da_i = di * i(1 - i)``: with ``di =
    dc_next * g`` inside, all but ``dc_next`` is known before the loop, and `hoist` can take it
    there.
    """
    reads = Counter(s for e in loop.during for s in _reads(e.rhs))
    entering = {carry.entering for carry in loop.carries}  # known only within its own step
    buried = {s for e in loop.during for part in _opaque(e.rhs) for s in symbols_of(part)}
    inside: dict[Quantity, sp.Expr] = {}
    kept = []
    for equation in loop.during:
        rhs = equation.rhs.xreplace(inside)
        q = equation.lhs
        stays = q in loop.ends or q in buried or reads[q] != 1 or entering & symbols_of(rhs)
        if not stays and _is_product(rhs):
            inside[q] = rhs
        else:
            kept.append(replace(equation, rhs=rhs))
    return replace(loop, during=tuple(kept))


def _reads(expr: sp.Expr) -> Iterable[Quantity]:
    return (part for part in sp.preorder_traversal(expr) if isinstance(part, Quantity))


def _opaque(expr: sp.Expr) -> list[sp.Expr]:
    """Places that take a name and no formula: nodes, and the arguments of activations."""
    return (
        [expr]
        if isinstance(expr, Elementwise)
        else outermost_nodes(expr) + list(expr.atoms(Elementwise))
    )


def _is_product(expr: sp.Expr) -> bool:
    return (
        not isinstance(expr, sp.Add | Elementwise | Node)
        and not outermost_nodes(expr)
        and not expr.atoms(Elementwise)
    )


# --- defer ---------------------------------------------------------------------------------------


def defer(loop: Loop) -> Loop:
    """Move what the next step does not depend on out of the loop: weight gradients above all."""
    entering = {c.entering for c in loop.carries}  # known only within its own step
    bound = {e.lhs for e in loop.during if entering & symbols_of(e.rhs)}
    needed = needed_for(bound | {c.leaving for c in loop.carries}, loop.during)
    during = tuple(e for e in loop.during if e.lhs in needed)
    later = tuple(e for e in loop.during if e.lhs not in needed)
    return replace(loop, during=during, after=(*later, *loop.after))
