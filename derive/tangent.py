"""Forward mode: the tangent of each equation, and with it second order as the tangent of the
adjoint.

The tangent of q, written q̇ in mathematics and ``q_dot`` in code, is the derivative of q along a
direction given for the parameters, the inputs and the state. Any list of equations has one, the
adjoint equations too: their tangent is the derivative of the gradient along that direction, the
Hessian-vector product.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType

import sympy as sp

from derive.adjoint import gathered, is_constant, named_quotients, partials, under_names, unnamed
from derive.cell import Equation
from derive.names import fresh
from derive.nodes import Node, Quantity, opened


def dotted(quantities: Iterable[Quantity], taken: set[str]) -> dict[Quantity, Quantity]:
    """A tangent for each quantity, under a name not taken before."""
    return {q: Quantity(fresh(f"{q}_dot", taken), q.axes) for q in quantities}


def tangent(
    equations: Iterable[Equation],
    dot: Mapping[Quantity, Quantity],
    ends: Container[Quantity] = (),
    *,
    by_output: bool = True,
) -> tuple[Equation, ...]:
    """One tangent equation for each equation that moves along the direction.

    What `dot` does not map is constant, and so is what depends on nothing else; of those only
    `ends` get an equation, which says that they stay where they are. `by_output` is explained at
    `derive.adjoint.partials`.
    """
    moving, equations = dict(dot), tuple(equations)
    quotients = named_quotients(equations) if by_output else {}
    tangents = []
    for e in equations:
        rhs = push_forward(e, moving, quotients, by_output=by_output)
        if rhs == 0 and e.lhs not in ends:
            del moving[e.lhs]
        else:
            tangents.append(Equation(dot[e.lhs], rhs, tuple(f"{name}_dot" for name in e.order)))
    return tuple(tangents)


def push_forward(
    equation: Equation,
    dot: Mapping[Quantity, Quantity],
    quotients: Mapping[sp.Expr, Quantity] = MappingProxyType({}),
    *,
    by_output: bool = True,
) -> sp.Expr:
    """The tangent of an equation's left-hand side, from the tangents of what it reads; `quotients`
    have names."""

    def along(argument: sp.Expr) -> sp.Expr:
        if isinstance(argument, Node):
            return argument.tangent(along)
        if not isinstance(argument, Quantity) and not is_constant(argument):
            raise unnamed(argument, equation)
        return dot.get(argument, sp.S.Zero)

    slopes = partials(equation, by_output)
    moved = [opened(under_names(slope, quotients) * along(part)) for part, slope in slopes]
    return gathered(equation.lhs, moved)  # a number moves by what all entries of a vector give
