"""The rule that puts an equation where it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.nodes import Node, Outer, Quantity, axes_of, has_shape, outermost_nodes, symbols_of
from derive.program.loop import Loop


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
        if not stays and _is_product(rhs) and not _widens(equation.lhs, rhs):
            inside[q] = rhs
        else:
            kept.append(replace(equation, rhs=rhs))
    return _into_totals(replace(loop, during=tuple(kept)))


def _widens(lhs: Quantity, rhs: sp.Expr) -> bool:
    """Whether an equation makes a matrix of a vector: as a vector it might not fit its readers."""
    return has_shape(rhs) and axes_of(rhs) not in ((), lhs.axes)


def _into_totals(loop: Loop) -> Loop:
    """Put outer products into the totals that read them, times what is the same at every step,
    where nothing else does: their sum over all steps is one product of matrices, and no step's has
    to be kept. So the gradient of U in ``(M * U) @ h`` is M * Σ da hᵀ."""
    readers: dict[Quantity, list[Equation]] = {}
    for e in loop.during:
        for q in symbols_of(e.rhs):
            readers.setdefault(q, []).append(e)

    def is_gathered(equation: Equation) -> bool:
        own = readers.get(equation.lhs, [])
        return equation.lhs not in loop.ends and all(_gathers(e, equation.lhs, loop) for e in own)

    outers = [e for e in loop.during if _is_outer(e.rhs) and is_gathered(e)]
    inside = {e.lhs: e.rhs for e in outers}
    rest = (e for e in loop.during if e not in outers)
    read = ((e, inside.keys() & symbols_of(e.rhs)) for e in rest)
    during = (
        replace(e, rhs=sp.expand_mul(e.rhs.xreplace(inside))) if has else e for e, has in read
    )
    return replace(loop, during=tuple(during))


def _is_outer(expr: sp.Expr) -> bool:
    """Whether an expression is a sum of outer products."""
    terms = (term.as_coeff_Mul()[1] for term in sp.Add.make_args(expr))
    return all(isinstance(term, Outer) for term in terms)


def _gathers(equation: Equation, q: Quantity, loop: Loop) -> bool:
    """Whether an equation is a total that reads a quantity times what is the same at every step."""
    if equation.lhs not in loop.totals or isinstance(equation.rhs, Node):
        return False
    terms = [t for t in sp.Add.make_args(equation.rhs) if q in symbols_of(t)]
    others = (symbols_of(term.xreplace({q: sp.S.One})) for term in terms)
    return all(q in sp.Mul.make_args(t) for t in terms) and all(o <= loop.fixed for o in others)


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
        and not _is_sum_over_number(expr)
    )


def _is_sum_over_number(expr: sp.Expr) -> bool:
    """Whether an expression is a sum of vectors, divided by a number: one that was collected
    (`collect`), and would only be taken apart again."""
    factors = sp.Mul.make_args(expr)
    axes = axes_of(expr)
    divides = any(isinstance(f, sp.Pow) and f.exp == -1 and axes_of(f) != axes for f in factors)
    return divides and any(isinstance(f, sp.Add) for f in factors)
