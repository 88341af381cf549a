"""How large a value can become whatever the weights: interval arithmetic over the equations."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import sympy as sp

from derive.cell import Cell, Equation
from derive.elementwise import Elementwise
from derive.nodes import Quantity

Interval = tuple[float, float]
ANYTHING: Interval = (-inf, inf)


def is_within_one(cell: Cell, equation: Equation) -> bool:
    """Whether an equation's value lies between -1 and 1 whatever the weights, states and inputs."""
    known: dict[Quantity, Interval] = {}
    for e in cell.equations:
        known[e.lhs] = bounds(e.rhs, known)
    low, high = known.get(equation.lhs, ANYTHING)
    return low >= -1 and high <= 1


def bounds(expr: sp.Expr, known: Mapping[Quantity, Interval]) -> Interval:
    """An interval that an expression lies in; what is not known lies anywhere."""
    if isinstance(expr, Quantity):
        return known.get(expr, ANYTHING)
    if isinstance(expr, sp.Number | sp.NumberSymbol):
        return (float(expr), float(expr))
    if isinstance(expr, Elementwise):
        return expr.bounds
    if not isinstance(expr, sp.Add | sp.Mul):
        return ANYTHING
    total, *others = (bounds(part, known) for part in expr.args)
    for other in others:
        total = added(total, other) if isinstance(expr, sp.Add) else multiplied(total, other)
    return total


def added(one: Interval, other: Interval) -> Interval:
    return one[0] + other[0], one[1] + other[1]


def multiplied(one: Interval, other: Interval) -> Interval:
    corners = [0.0 if 0 in (a, b) else a * b for a in one for b in other]
    return min(corners), max(corners)
