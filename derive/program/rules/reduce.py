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
from derive.nodes import (
    FeatureSum,
    MatVec,
    Quantity,
    Transposed,
    axes_of,
    symbols_of,
    with_heads,
)
from derive.program.loop import Loop


def reductions_apart(loop: Loop) -> Loop:
    """Every sum over features is the whole right-hand side of an equation. So is a product, where a
    sum over all steps is taken of it, and where all heads share it."""
    taken = loop.taken()
    phases: dict[str, Any] = {}
    for phase in ("before", "during", "after"):
        equations: list[Equation] = []
        named: dict[sp.Expr, Quantity] = {}
        for e in getattr(loop, phase):
            of_heads, nodes = _products_with_heads(e, loop), e.rhs.atoms(FeatureSum)
            if e.lhs in loop.totals:
                nodes |= e.rhs.atoms(MatVec) - {product.args[0] for product in of_heads}
            elif is_reduction(e):
                nodes = set()
            else:
                nodes = nodes - of_heads | _shared(e)
            equations += _apart(e, nodes, of_heads, named, taken)
        phases[phase] = tuple(equations)
    return replace(loop, **phases)


def is_reduction(equation: Equation) -> bool:
    """Whether an equation is nothing but the sum over the features of a vector."""
    rhs = equation.rhs
    is_named = isinstance(rhs, FeatureSum) and isinstance(rhs.args[0], Quantity)
    return is_named and axes_of(rhs) == equation.lhs.axes


def _shared(equation: Equation) -> set[sp.Expr]:
    """The terms of an equation that are products with a matrix, the same for each head of what is
    defined."""
    terms = sp.Add.make_args(equation.rhs)
    return {t for t in terms if isinstance(t, MatVec) and axes_of(t) != equation.lhs.axes}


def _products_with_heads(equation: Equation, loop: Loop) -> set[sp.Expr]:
    """The terms of an equation that are products with a parameter's transpose, summed over the
    heads, and not the same for each head of what is defined: those of all heads are one product."""
    return {
        term
        for term in sp.Add.make_args(equation.rhs)
        if with_heads(term)
        and isinstance(term.args[0].args[0], Transposed)
        and symbols_of(term.args[0].args[0]) <= loop.fixed
        and axes_of(term) == equation.lhs.axes
    }


def _apart(
    equation: Equation,
    nodes: set[sp.Expr],
    of_heads: set[sp.Expr],
    named: dict[sp.Expr, Quantity],
    taken: set[str],
) -> list[Equation]:
    """The equation, after one for each of these nodes in it that has no name yet."""
    first: list[Equation] = []

    def name(expr: sp.Expr, called: str) -> Quantity:
        if expr not in named:
            named[expr] = Quantity(fresh(called, taken), axes_of(expr))
            first.append(Equation(named[expr], expr, equation.order))
        return named[expr]

    whole = {}
    for node in sorted(nodes, key=str):
        of = node
        if isinstance(node, FeatureSum) and not (
            isinstance(node.args[0], Quantity) or node in of_heads
        ):
            of = FeatureSum(name(node.args[0], f"{equation.lhs}_terms"), *node.args[1:])
        whole[node] = name(of, _name(of))
    return [*first, replace(equation, rhs=equation.rhs.xreplace(whole))]


def _name(node: sp.Expr) -> str:
    """Its own words: ``sum_d``, ``U_T_da``."""
    if with_heads(node):
        (node,) = node.args[:1]
    if isinstance(node, FeatureSum):
        return "_".join(["sum", *map(str, node.args)])
    matrix, vector = node.args
    return f"{matrix.args[0]}_T_{vector}" if matrix.args else f"{matrix}_{vector}"
