"""The Jacobian of one step: how the new states depend on the old ones, as blocks.

A block ∂q/∂s is read off the tangent of q along s: an expression linear in the direction, whose
elementwise factors are diagonal matrices and whose products are the weights. So of the LSTM's
``c_next`` comes ∂c_next/∂h = diag(g i (1 - i)) U_i + …, a term for each path from h to c_next.

A quantity's own Jacobian is put in where it is used, unless that would write several terms several
times: then it keeps its name, as do those of the new states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from derive.adjoint import Adjoint
from derive.cell import Equation
from derive.deviation import Stated
from derive.elementwise import Elementwise
from derive.nodes import (
    Axes,
    FeatureSum,
    MatVec,
    Outer,
    Quantity,
    Transposed,
    axes_of,
    has_shape,
    own,
    symbols_of,
)
from derive.tangent import dotted, tangent


@dataclass(frozen=True)
class Diagonal:
    """diag(v), for a vector v; a multiple of the identity, for a number. `of` are the axes of a
    matrix of which v scales the rows or columns: diag(v) ⊗ I, or I ⊗ diag(v)."""

    entries: sp.Expr
    of: Axes = ()


@dataclass(frozen=True)
class Weights:
    """A matrix of the cell's, or its transpose."""

    matrix: sp.Expr


@dataclass(frozen=True)
class Row:
    """vᵀ: what a sum over the features does, each times its factor."""

    entries: sp.Expr


@dataclass(frozen=True)
class Column:
    """v, as a matrix of one column: what one number gives to every entry of a vector."""

    entries: sp.Expr


@dataclass(frozen=True)
class Along:
    """A row or a column along one of the two axes of a matrix, and the identity along the other:
    I ⊗ vᵀ takes a matrix M, row after row, to M v, and u ⊗ I takes a vector v to u vᵀ."""

    factor: Row | Column
    place: int


@dataclass(frozen=True)
class Named:
    """The Jacobian of a quantity that has a block of its own."""

    quantity: Quantity


@dataclass(frozen=True)
class Bracket:
    """A sum."""

    terms: tuple[Term, ...]


Factor = Diagonal | Weights | Row | Column | Along | Named | Bracket
Term = tuple[Factor, ...]  # a product, outermost factor first; without factors it is the identity
Sum = tuple[Term, ...]


@dataclass(frozen=True)
class Block:
    """∂q/∂s as a sum of products: how the quantity `of` depends on the old state `by`."""

    of: Quantity
    by: Quantity
    terms: Sum


def jacobian(derived: Adjoint) -> tuple[Block, ...]:
    """The blocks of a step's Jacobian, state by state, each after those that it names.

    Those of the new states are all among them, apart from those that are zero.
    """
    return tuple(block for state in derived.cell.states for block in _column(derived, state))


def rail(derived: Adjoint, state: Quantity) -> sp.Expr:
    """The factor from a state to its new value along the paths that pass no matrix and no function,
    only sums and products entry by entry: the LSTM's f along c, the GRU's 1 - z along h. Zero where
    there is no such path."""
    function = (Elementwise, Stated)
    plain = [e for e in derived.forward if not isinstance(e.rhs, function)]
    sums = _sums(plain, state, derived, keep=())
    terms = sums.get(derived.cell.updates[state], ())
    return sp.Add(*(_factor_of(term) for term in terms))


def _factor_of(term: Term) -> sp.Expr:
    """What a path multiplies each entry by; zero for one that mixes them."""
    product = sp.S.One
    for factor in term:
        match factor:
            case Diagonal(entries, _):
                product *= entries
            case Bracket(terms):
                product *= sp.Add(*map(_factor_of, terms))
            case _:
                return sp.S.Zero
    return product


def _column(derived: Adjoint, state: Quantity) -> list[Block]:
    """All that depends on one old state and has a block of its own, in the order of evaluation."""
    new = set(derived.cell.updates.values())
    sums = _sums(derived.forward, state, derived, keep=new)
    used = {f.quantity for terms in sums.values() for f in _named(terms)}
    return [Block(q, state, terms) for q, terms in sums.items() if q in new | used]


def _named(terms: Sum) -> Iterable[Named]:
    for factor in (factor for term in terms for factor in term):
        if isinstance(factor, Named):
            yield factor
        elif isinstance(factor, Bracket):
            yield from _named(factor.terms)


def _sums(
    equations: Iterable[Equation], state: Quantity, derived: Adjoint, keep: Iterable[Quantity]
) -> dict[Quantity, Sum]:
    """By quantity, its Jacobian by a state, where that is not zero."""
    equations = tuple(equations)
    dot = dotted((state, *(e.lhs for e in equations)), derived.taken)
    of = {direction: quantity for quantity, direction in dot.items()}
    tangents = tangent(equations, dot)
    uses = Counter(q for e in tangents for q in symbols_of(e.rhs))
    known: dict[Quantity, Sum] = {dot[state]: ((),)}
    sums: dict[Quantity, Sum] = {}
    for equation in tangents:
        quantity = of[equation.lhs]
        terms = _stretched(_read(equation.rhs, known), equation.rhs, quantity)
        sums[quantity] = terms
        repeated = len(terms) > 1 and uses[equation.lhs] > 1
        known[equation.lhs] = ((Named(quantity),),) if quantity in keep or repeated else terms
    return sums


# --- an expression that is linear in directions, as a sum of products ----------------------------


def _read(expr: sp.Expr, known: Mapping[Quantity, Sum]) -> Sum:
    if isinstance(expr, Quantity):
        return known[expr]
    if isinstance(expr, MatVec | Outer):
        return _read_product(expr, known)
    if isinstance(expr, FeatureSum):
        whole, axes = expr.args[0], own(axes_of(expr.args[0]))
        ones = Row(sp.S.One)
        is_all = len(expr.summed) == len(axes)
        row = ones if is_all else Along(ones, axes.index(expr.summed[0]))
        return _times(row, _read(whole, known))
    if isinstance(expr, sp.Add):
        parts = sorted(expr.args, key=lambda part: _first(part, known))
        return tuple(t for part in parts for t in _stretched(_read(part, known), part, expr))
    moving = [factor for factor in expr.args if symbols_of(factor) & known.keys()]
    (direction,) = moving  # a tangent is linear: no product of two directions
    rest = sp.Mul(*(factor for factor in expr.args if factor is not direction))
    return _scaled(rest, direction, _read(direction, known))


def _read_product(expr: MatVec | Outer, known: Mapping[Quantity, Sum]) -> Sum:
    """A product with a matrix, or an outer product, one side of which is a direction."""
    left, right = expr.args
    moves_left = bool(symbols_of(left) & known.keys())
    if isinstance(expr, Outer):
        column = Along(Column(right), 1) if moves_left else Along(Column(left), 0)
        return _times(column, _read(left if moves_left else right, known))
    if not moves_left:
        return _times(Weights(left), _read(right, known))
    is_transposed = isinstance(left, Transposed)
    (matrix,) = left.args if is_transposed else (left,)
    return _times(Along(Row(right), 0 if is_transposed else 1), _read(matrix, known))


def _first(part: sp.Expr, known: Mapping[Quantity, Sum]) -> tuple:
    """The order of terms: as the directions in them are defined."""
    places = {direction: place for place, direction in enumerate(known)}
    found = sorted(places[q] for q in symbols_of(part) if q in places)
    return found, str(part)


def _scaled(factor: sp.Expr, direction: sp.Expr, terms: Sum) -> Sum:
    """A factor times what a direction gives; what scales rows and what scales columns of a matrix,
    one after the other."""
    if not has_shape(factor):
        parts = sp.Mul.make_args(factor)
        columns = [p for p in parts if own(axes_of(p)) == own(axes_of(direction))[1:]]
        rows = sp.Mul(*(p for p in parts if p not in columns))
        inner = _scaled(sp.Mul(*columns), direction, terms)
        return _scaled(rows, direction, inner)
    if axes_of(direction) == () and axes_of(factor) != ():
        return _times(Column(factor), terms)
    of = axes_of(factor * direction)
    is_part = own(of) != own(axes_of(factor)) != ()
    terms = _stretched(terms, direction, factor * direction)
    return _times(Diagonal(factor, own(of) if is_part else ()), terms)


def _stretched(terms: Sum, part: sp.Expr, whole: sp.Expr) -> Sum:
    """A number's Jacobian where a vector is needed, or a vector's where a matrix is: the same row
    for every entry."""
    few, many = own(axes_of(part)), own(axes_of(whole))
    if few == many:
        return terms
    column = Column(sp.S.One)
    if not few:
        return _times(column, terms)
    return _times(Along(column, 1 - many.index(few[0])), terms)


def _times(factor: Factor, terms: Sum) -> Sum:
    """A factor in front of a sum, which gets a bracket if it is one."""
    (term,) = terms if len(terms) == 1 else ((Bracket(terms),),)
    first, rest = (term[0], term[1:]) if term else (Diagonal(sp.S.One), ())
    joined = _joined(factor, first)
    return (tuple(f for f in (*joined, *rest) if f != Diagonal(sp.S.One)),)


def _joined(left: Factor, right: Factor) -> tuple[Factor, ...]:
    """Two factors as one where both, entry by entry, only multiply."""
    match left, right:
        case (Diagonal(a, of), Diagonal(b, to)) if (of == to or 1 in (a, b)) and has_shape(a * b):
            return (Diagonal(a * b, of or to),)
        case (Row(a), Diagonal(b, ())):
            return (Row(a * b),)
        case (Diagonal(a, ()), Column(b)) | (Column(a), Diagonal(b, ())):  # where b is of a number
            return (Column(a * b),)
    return left, right
