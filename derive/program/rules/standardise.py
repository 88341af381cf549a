"""The rule that finds where vectors are standardised, and where that is differentiated, for a
target that has a function for both (`derive.program.normed`).

It reads the equations as they are, under whatever names: of ``p = (u - mu) / sigma`` it asks
whether mu is the mean of u, and sigma the root of the mean of ``(u - mu)**2`` and ε. Vectors that
are standardised together have to lie side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.cell import Equation
from derive.elementwise import sqrt
from derive.nodes import Quantity, symbols_of
from derive.program.alike import Rows
from derive.program.loop import Loop, drop_unused
from derive.program.normed import Spread, Standardised
from derive.program.rules.differentiate import differentiated
from derive.program.rules.means import Phase
from derive.program.statements import Group


def standardised(loop: Loop, rows: Rows, fixed: frozenset[Quantity]) -> tuple[Loop, list[Group]]:
    """The loop with nodes for what is standardised, and for the derivatives; and the new quantities
    that are to lie side by side."""
    taken = loop.taken()
    groups: list[Group] = []
    phases: dict[str, Any] = {}
    for name in ("before", "during", "after"):
        phase = Phase(loop, getattr(loop, name), rows, taken, fixed)
        _standardise(phase)
        differentiated(phase)
        phases[name] = tuple(phase.equations)
        groups += phase.groups
    return drop_unused(replace(loop, **phases)), groups


def _standardise(phase: Phase) -> None:
    """Give what is standardised its nodes."""
    found: dict[Any, dict[Quantity, Quantity]] = defaultdict(dict)
    for e in phase.equations:
        for sigma, v, mu in _quotients(phase, e):
            together = phase.vectors(mu)
            if v in together and len(v.axes) == 1 and (row := phase.row(together)):
                found[sigma, mu, row][v] = e.lhs
    for (sigma, mu, row), out in found.items():
        epsilon, outs = _epsilon(phase, sigma, mu, row), tuple(out[v] for v in row if v in out)
        is_whole = len(outs) == len(row) and phase.are_beside(outs)
        if epsilon is not None and is_whole and phase.fixed.isdisjoint(row):
            nodes = {q: Standardised(k, epsilon, *row) for k, q in enumerate(outs)}
            nodes[sigma] = Spread(epsilon, *row)
            phase.equations = [replace(e, rhs=nodes.get(e.lhs, e.rhs)) for e in phase.equations]


def _quotients(phase: Phase, e: Equation) -> Iterator[tuple[Quantity, Quantity, Quantity]]:
    """An equation ``(v - mu) / sigma``, as its sigma, v and mu."""
    factors = sp.Mul.make_args(e.rhs)
    for over, under in (factors, factors[::-1]) if len(factors) == 2 else ():
        difference, sigma = _difference(phase, over), 1 / under
        if difference and isinstance(sigma, Quantity) and not sigma.axes:
            yield (sigma, *difference)


def _difference(phase: Phase, expr: sp.Expr) -> tuple[Quantity, Quantity] | None:
    """A vector and the number that is subtracted from it."""
    terms = phase.unfolded(expr)
    if isinstance(terms, sp.Add) and len(terms.args) == 2:
        for v, less in (terms.args, terms.args[::-1]):
            is_of_names = isinstance(v, Quantity) and isinstance(-less, Quantity)
            if is_of_names and v.axes and not (-less).axes:
                return v, -less
    return None


def _epsilon(phase: Phase, sigma: Quantity, mu: Quantity, row: Group) -> sp.Expr | None:
    """The ε of a deviation of vectors from their mean, √(mean (v - mu)² + ε), if sigma is one."""
    root = next((e.rhs for e in phase.equations if e.lhs == sigma), None)
    if not isinstance(root, sqrt):
        return None
    terms = sp.Add.make_args(phase.unfolded(root.args[0]))
    total, entries = phase.mean(sp.Add(*(t for t in terms if symbols_of(t))))
    squares = sp.Add.make_args(phase.unfolded(total))
    bases = [s.base for s in squares if isinstance(s, sp.Pow) and s.exp == 2]
    about = [_difference(phase, base) for base in bases]
    is_deviation = entries == len(row) == len(squares) and set(about) == {(v, mu) for v in row}
    return sp.Add(*(t for t in terms if not symbols_of(t))) if is_deviation else None
