"""Equations of one form, side by side: computed in one statement for all of them.

The four gates of a normalised LSTM are computed alike, each from its own pre-activation and its own
parameters. Where the operands lie side by side, so may the results, and then one elementwise
statement over a stack serves all of them. (A compiler writer calls it superword parallelism.)

Two equations are of one form where they become the same when each member of a stack is called after
its stack, and each parameter of its own after its family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.names import fresh
from derive.nodes import Axes, FeatureSum, Node, Quantity, symbols_of
from derive.program.loop import Loop, needed_for
from derive.program.rules.reduce import is_reduction
from derive.program.statements import Group


@dataclass(frozen=True)
class Form:
    """What equations of one form share: the expression with stacks in place of their members, and
    how many there are side by side."""

    expr: sp.Expr
    count: int


@dataclass(frozen=True)
class Rows:
    """Where quantities lie that are side by side: for each, its group and its place in it."""

    of: Mapping[Quantity, tuple[Group, int]]

    @classmethod
    def among(cls, groups: Iterable[Group]) -> Rows:
        """Those of some groups."""
        return cls({q: (group, k) for group in groups for k, q in enumerate(group)})

    def form(self, expr: sp.Expr) -> tuple[Form, int] | None:
        """The form of an expression and its place among those alike; None where it reads nothing
        that lies side by side, different places, or a vector that all would have to share: a stack
        is longer than that. A number fits any length."""
        stands_for: dict[sp.Expr, sp.Expr] = {}
        places = set()
        for q in symbols_of(expr):
            if q in self.of:
                group, k = self.of[q]
                stands_for[q] = sp.Symbol(f"{group[0]} to {group[-1]}")
                places.add((len(group), k))
            elif q.axes:
                return None
        if len(places) != 1:
            return None
        ((count, k),) = places
        return Form(expr.xreplace(stands_for), count), k

    def together(self, expr: sp.Expr) -> tuple[Group, ...]:
        """The groups of what the first of expressions of one form reads: the others read the
        others."""
        return tuple(self.of[q][0] for q in sorted(symbols_of(expr), key=str) if q in self.of)


def groups_alike(
    equations: tuple[Equation, ...], groups: Iterable[Group], barred: frozenset[Quantity]
) -> list[Group]:
    """Groups of quantities that may lie side by side, since their equations are of one form over
    groups that do; what is `barred` has a place already."""
    rows = Rows.among(groups)
    found: list[Group] = []
    while True:
        new = _alike(equations, rows, barred)
        if not new:
            return found
        found += new
        rows = Rows({**rows.of, **Rows.among(new).of})


def _alike(equations: tuple[Equation, ...], rows: Rows, barred: frozenset[Quantity]) -> list[Group]:
    found: dict[tuple[Form, Axes], dict[int, Quantity]] = {}
    for e in equations:
        if e.lhs in rows.of or e.lhs in barred or not _is_elementwise(e, rows):
            continue
        if (formed := rows.form(e.rhs)) is not None:
            form, k = formed
            found.setdefault((form, e.lhs.axes), {}).setdefault(k, e.lhs)
    whole = (places for (form, _), places in found.items() if len(places) == form.count)
    groups = (tuple(places[k] for k in sorted(places)) for places in whole)
    return [group for group in groups if are_independent(group, equations)]


def _is_elementwise(equation: Equation, rows: Rows) -> bool:
    """Whether an equation's results may lie side by side; a function's lie where its arguments
    do."""
    rhs = equation.rhs
    in_place = isinstance(rhs, Elementwise) and any(a in rows.of for a in rhs.args)
    return len(equation.lhs.axes) == 1 and not rhs.atoms(Node) and not in_place


def are_independent(group: Group, equations: tuple[Equation, ...]) -> bool:
    """Whether none of the quantities is needed to compute another."""
    own = {e.lhs: e for e in equations}
    for q in group:
        reads = symbols_of(own[q].rhs) if q in own else frozenset()
        if needed_for(reads, equations) & set(group):
            return False
    return True


def groups_in(loop: Loop, groups: Iterable[Group]) -> list[Group]:
    """The groups alike of a loop's phases. What the caller gets, and what is handed on, has a place
    of its own."""
    barred = loop.totals | loop.last | {c.leaving for c in loop.carries}
    barred |= loop.wanted if loop.reverse else frozenset()
    known = list(groups)
    found: list[Group] = []
    for phase in (loop.before, loop.during, loop.after):
        found += groups_alike(phase, [*known, *found], barred)
    return found


def sums_spread(loop: Loop, rows: Rows) -> Loop:
    """The rule for sums over several vectors of one form: their terms are named one by one, so that
    they can lie side by side and be summed up at once."""
    taken = loop.taken()
    phases: dict[str, Any] = {}
    for phase in ("before", "during", "after"):
        equations = getattr(loop, phase)
        summed = {e.rhs.args[0] for e in equations if is_reduction(e) and e.lhs not in loop.totals}
        sums = {q for q in summed if loop.readers[q] == 1 and q not in loop.ends}
        spread = {e.lhs: _terms_alike(e, rows, taken) for e in equations if e.lhs in sums}
        phases[phase] = tuple(part for e in equations for part in _spread(e, spread))
    return replace(loop, **phases)


def _terms_alike(equation: Equation, rows: Rows, taken: set[str]) -> list[Equation]:
    """An equation for each place's share in a sum, if the shares are all that is of their form; one
    that has a name keeps it."""
    shares: dict[int, sp.Expr] = {}
    for term in sp.Add.make_args(equation.rhs):
        if (formed := rows.form(term)) is None:
            return []
        shares[formed[1]] = shares.get(formed[1], sp.S.Zero) + term
    forms = {rows.form(share) for share in shares.values()}
    counts = {(formed[0], formed[0].count) for formed in forms if formed is not None}
    if len(counts) != 1 or counts.pop()[1] != len(shares):
        return []
    terms = []
    for k, term in sorted(shares.items()):
        name = f"{equation.lhs}_{k}"
        named = isinstance(term, Quantity)
        lhs = term if named else Quantity(fresh(name, taken), equation.lhs.axes)
        terms.append(Equation(lhs, term, equation.order))
    return terms


def _spread(equation: Equation, spread: Mapping[Quantity, list[Equation]]) -> list[Equation]:
    """A sum's terms in its place, and in place of the sum over its features those over theirs."""
    if spread.get(equation.lhs):
        return [e for e in spread[equation.lhs] if e.lhs != e.rhs]
    terms = spread.get(equation.rhs.args[0]) if is_reduction(equation) else None
    if not terms:
        return [equation]
    return [replace(equation, rhs=sp.Add(*(FeatureSum(e.lhs) for e in terms)))]
