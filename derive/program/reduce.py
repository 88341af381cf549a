"""The rule that gives every reduction an equation of its own.

A mean is a sum over the features, divided by their number: the sum is a loop of another shape than
what is done with it, so the two become two equations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derive.cell import Equation
from derive.names import fresh
from derive.nodes import FeatureSum, MatVec, Quantity, axes_of
from derive.program.loop import Loop


def reductions_apart(loop: Loop) -> Loop:
    """Every sum over features is the whole right-hand side of an equation. So is a product, where a
    sum over all steps is taken of it."""
    taken = loop.taken()
    phases: dict[str, Any] = {}
    for phase in ("before", "during", "after"):
        equations: list[Equation] = []
        named: dict[sp.Expr, Quantity] = {}
        for e in getattr(loop, phase):
            kinds = (FeatureSum, MatVec) if e.lhs in loop.totals else (FeatureSum,)
            is_whole = isinstance(e.rhs, FeatureSum) and not e.lhs.axes and e.lhs not in loop.totals
            equations += [e] if is_whole else _apart(e, kinds, named, taken)
        phases[phase] = tuple(equations)
    return replace(loop, **phases)


def _apart(
    equation: Equation, kinds: tuple[type, ...], named: dict[sp.Expr, Quantity], taken: set[str]
) -> list[Equation]:
    """The equation, after one for each node in it that has no name yet."""
    first = []
    for node in sorted(equation.rhs.atoms(*kinds), key=str):
        if node not in named:
            named[node] = Quantity(fresh(_name(node), taken), axes_of(node))
            first.append(Equation(named[node], node, equation.order))
    return [*first, replace(equation, rhs=equation.rhs.xreplace(named))]


def _name(node: sp.Expr) -> str:
    """Its own words: ``sum_d``, ``U_T_da``."""
    if isinstance(node, FeatureSum):
        return f"sum_{node.args[0]}"
    matrix, vector = node.args
    return f"{matrix.args[0]}_T_{vector}" if matrix.args else f"{matrix}_{vector}"
