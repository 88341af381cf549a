"""Where the derivative of standardising is applied: ``(d - mean(d) - y * mean(d * y)) / sigma``.

On the way back d are the adjoints of what was standardised, y; along a direction they are the
tangents of what it was made of. In the tangent of an adjoint it stands beside other terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy as sp

from derive.cell import Equation
from derive.names import fresh
from derive.nodes import Quantity, symbols_of
from derive.program.normed import StandardisedSlope
from derive.program.rules.means import Phase

Pairs = tuple[tuple[Quantity, Quantity], ...]


@dataclass(frozen=True)
class _Slope:
    """A term (d - mean(d) - y mean(d y) + rest) / sigma of an equation.

    other   what stands beside it in the equation
    pairs   all the vectors d that the means are over, each with its y
    second  the number that is the mean of all d y, and maybe of `more`
    named   the quantity that stands for what is in brackets, if one does
    """

    equation: Equation
    other: sp.Expr
    sigma: Quantity
    d: Quantity
    y: Quantity
    pairs: Pairs
    second: Quantity
    more: sp.Expr
    rest: sp.Expr
    named: Quantity | None

    @property
    def whole(self) -> object:
        """What it shares with those of the other vectors."""
        return self.sigma, self.second, self.pairs


def differentiated(phase: Phase) -> None:
    """Give the derivatives their nodes."""
    done: set[Quantity] = set()
    for q in [e.lhs for e in phase.equations if len(e.lhs.axes) == 1]:
        equation = next(e for e in phase.equations if e.lhs == q)
        families = (_family(phase, slope) for slope in _slopes(phase, equation))
        if q not in done and (family := next(filter(None, families), None)):
            _rewrite(phase, family)
            done |= {slope.equation.lhs for slope in family}


def _slopes(phase: Phase, e: Equation) -> Iterator[_Slope]:
    """What the terms of an equation may be taken for."""
    for term in sp.Add.make_args(e.rhs):
        for part in sp.Mul.make_args(term):
            inside = phase.unfolded(part)
            if not isinstance(inside, sp.Add):
                continue
            sigma = part / term
            if isinstance(sigma, Quantity) and not sigma.axes:
                named = part if isinstance(part, Quantity) else None
                for d, y, pairs, second, more, rest in _readings(phase, inside):
                    other = e.rhs - term
                    yield _Slope(e, other, sigma, d, y, pairs, second, more, rest, named)


def _readings(phase: Phase, whole: sp.Add) -> Iterator[tuple]:
    """What stands in brackets as d, y, and the rest of a `_Slope`."""
    numbers = [-t for t in whole.args if isinstance(-t, Quantity) and not (-t).axes]
    products = [-t for t in whole.args if isinstance(-t, sp.Mul) and len((-t).args) == 2]
    for first in numbers:
        moved = phase.vectors(first)
        for d in (t for t in whole.args if t in moved):
            for product in products:
                for second, y in (product.args, product.args[::-1]):
                    pairs, more = _pairs(phase, second, moved)
                    if (d, y) in pairs:
                        yield d, y, pairs, second, more, whole - d + first + product


def _pairs(phase: Phase, number: sp.Expr, moved: frozenset[Quantity]) -> tuple[Pairs, sp.Expr]:
    """For each vector d the vector y, where a number is the mean of all d y; and what else it is
    the mean of."""
    total, entries = phase.mean(number)
    left = list(sp.Add.make_args(phase.unfolded(total)))
    pairs = []
    for d in sorted(moved, key=str) if entries == len(moved) else ():
        with_d = [t for t in left if d in sp.Mul.make_args(t) and isinstance(t / d, Quantity)]
        if len(with_d) != 1:
            return (), sp.S.Zero
        left.remove(with_d[0])
        pairs.append((d, with_d[0] / d))
    return tuple(pairs), sp.Add(*left)


def _family(phase: Phase, slope: _Slope) -> list[_Slope]:
    """The same of all that the means are over, in the order in which they lie side by side; none
    where any is missing."""
    row = phase.row(frozenset(d for d, _ in slope.pairs))
    if not row or not phase.are_beside(tuple(dict(slope.pairs)[d] for d in row)):
        return []
    like = [e for e in phase.equations if e.lhs.axes == slope.d.axes]
    found = {s.d: s for e in like for s in _slopes(phase, e) if s.whole == slope.whole}
    family = [found[d] for d in row if d in found]
    readers = {e.lhs for e in phase.equations if slope.second in symbols_of(e.rhs)}
    is_own = not slope.more or readers <= {s.equation.lhs for s in family}
    moves = phase.fixed.isdisjoint(q for pair in slope.pairs for q in pair)
    return family if len(family) == len(row) and is_own and moves else []


def _rewrite(phase: Phase, family: list[_Slope]) -> None:
    """Put the nodes in, as equations of their own where something stands beside them."""
    first, outs = family[0], tuple(s.equation.lhs for s in family)
    whole = all(s.other == 0 and s.rest == 0 for s in family) and phase.are_beside(outs)
    if not whole:
        outs = tuple(Quantity(fresh(f"{q}_part", phase.taken), q.axes) for q in outs)
        phase.groups += [outs] if len(outs) > 1 else []
    if first.more:
        _take_for(phase, first.second, first.more)
    names = {s.named: q * s.sigma for s, q in zip(family, outs, strict=True) if s.named}
    row = [s.d for s in family], [s.y for s in family]
    left: list[Equation] = []
    for e in phase.equations:
        k = next((k for k, s in enumerate(family) if s.equation.lhs == e.lhs), None)
        if k is None:
            left.append(replace(e, rhs=e.rhs.xreplace(names)))
            continue
        s = family[k]
        left.append(Equation(outs[k], StandardisedSlope(k, s.sigma, *row[0], *row[1])))
        if not whole:
            rest = (s.rest - s.second * s.y if s.more else s.rest).xreplace(names)
            left.append(replace(e, rhs=s.other + outs[k] + _divided(phase, rest, s.sigma)))
    phase.equations = left
    phase.meaning |= {e.lhs: e.rhs for e in left}


def _take_for(phase: Phase, mean: Quantity, products: sp.Expr) -> None:
    """Let a mean be that of these products alone."""
    total, _ = phase.mean(mean)
    phase.equations = [replace(e, rhs=products) if e.lhs == total else e for e in phase.equations]


def _divided(phase: Phase, expr: sp.Expr, sigma: Quantity) -> sp.Expr:
    """A sum, divided by a number as a whole; what is divided by it inside has no name there."""
    meanings = {q: phase.meaning.get(q, q) for q in symbols_of(expr)}
    inside = {q: m for q, m in meanings.items() if 1 / sigma in sp.Mul.make_args(m)}
    terms = sp.Add.make_args(expr.xreplace(inside))
    return sp.Mul(-1 / sigma, sp.Add(*(-term for term in terms)))
