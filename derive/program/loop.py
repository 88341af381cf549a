"""A loop over time, and the rules that decide what runs when.

A `Loop` says what one step computes, from what all steps know beforehand and from what the step
before it hands over. Every rule is a function from one Loop to another: the schedule is
computed, not written by hand, and none of them knows which cell, or which derivative, it is
looking at:

- `collect` what the terms of a sum are all divided by stands outside
            (`derive.program.rules.collect`);
- `inline`  an equation read once, by one product, becomes part of that product;
- `hoist`   what does not depend on the step before is computed for all steps at once, before the
            loop, and what is the same at every step once (`derive.program.rules.hoist`);
- `defer`   what the step after does not depend on is computed for all steps at once, after the
            loop;
- `share`   what several equations have in common is computed once (`derive.program.rules.share`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.cell import Equation
from derive.nodes import Quantity, symbols_of


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

    @cached_property
    def readers(self) -> Counter[Quantity]:
        """For each quantity, how many equations read it."""
        return Counter(q for e in self.equations for q in symbols_of(e.rhs))

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
