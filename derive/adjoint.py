"""Reverse mode: one adjoint equation for each quantity, from the output back to the input.

The adjoint of q, written q̄ in mathematics and ``dq`` in code, is the derivative of a scalar loss
with respect to q. Each equation e that reads q contributes ē ∘ ∂e/∂q, and the contributions add up;
a node that is not elementwise hands its adjoint to its arguments by its own rule (`derive.nodes`).
No derivative is ever taken through more than one equation, so nothing is derived twice and every
factor has a name.

Across time, a state's new value receives its adjoint from two sides: from what this step makes of
it, and from the next step, which read it as its old state. The latter is the *carry*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import sympy as sp

from derive.cell import Cell, Equation
from derive.computed import computed
from derive.deviation import Stated
from derive.elementwise import Elementwise
from derive.names import fresh
from derive.nodes import (
    Axes,
    CellError,
    MatVec,
    Node,
    Quantity,
    axes_of,
    describe,
    has_shape,
    opened,
    outermost_nodes,
    summed,
)
from derive.normal import divisor_of, normalise


@dataclass(frozen=True)
class Adjoint:
    """A cell's equations in normal form, and the adjoint equations in the order they are evaluated.

    cell       the cell
    forward    its equations in normal form
    backward   one equation for each adjoint: of the equations' quantities in reverse, then of
               states, inputs, parameters
    bar        for each quantity, its adjoint
    seed       the adjoint of the output, which the caller gives for every step
    carry      for each state, the adjoint of its new value that the following step hands back
    """

    cell: Cell
    forward: tuple[Equation, ...]
    backward: tuple[Equation, ...]
    bar: dict[Quantity, Quantity]
    seed: Quantity
    carry: dict[Quantity, Quantity]

    @cached_property
    def computed(self) -> tuple[Equation, ...]:
        """The equations in normal form as they are computed."""
        return computed(self.forward, set(self.cell.quantities), self.taken)

    @property
    def taken(self) -> set[str]:
        """Every name in use."""
        named = (
            *self.cell.quantities,
            *(e.lhs for e in (*self.forward, *self.backward)),
            *self.carry.values(),
        )
        return {q.name for q in named} | {self.seed.name}


def adjoint(cell: Cell) -> Adjoint:
    """Differentiate a cell in reverse."""
    forward = normalise(cell.equations, (q.name for q in cell.quantities), quotients=True)
    quantities = (*(e.lhs for e in reversed(forward)), *cell.states, *cell.inputs, *cell.parameters)
    still = {*cell.constants, cell.number}  # no derivative is taken by these
    taken = {q.name for q in (*quantities, *cell.given)}
    bar = {q: Quantity(fresh(f"d{q}", taken), q.axes) for q in quantities}
    seed = Quantity(fresh("dy", taken), cell.output.axes)
    carry = {s: Quantity(fresh(f"d{new}_carry", taken), s.axes) for s, new in cell.updates.items()}

    received: dict[Quantity, list[sp.Expr]] = {q: [] for q in quantities}
    quotients = named_quotients(forward)
    received[cell.output].append(seed)
    for state, new in cell.updates.items():
        received[new].append(carry[state])
    order = {e.lhs: tuple(f"d{name}" for name in e.order) for e in forward}
    for equation in reversed(forward):
        if received[equation.lhs]:
            for quantity, contribution in pull_back(equation, bar[equation.lhs]):
                if quantity not in still:
                    received[quantity].append(under_names(contribution, quotients))
    inner = {e.lhs for e in forward}
    backward = tuple(
        part
        for q in quantities
        if received[q] or q not in inner
        for part in with_shapes(Equation(bar[q], gathered(q, received[q]), order.get(q, ())), taken)
    )
    return Adjoint(cell, forward, normalise(backward, taken), bar, seed, carry)


def pull_back(equation: Equation, bar: sp.Expr) -> Iterator[tuple[Quantity, sp.Expr]]:
    """What the quantities that an equation reads receive, given the adjoint of its left-hand side.

    Numbers receive nothing. Anything else without a name could not pass its share on, and the
    gradient would be wrong: that is an error, which the normal form keeps from happening.
    """
    for part, slope in partials(equation):
        yield from handed_on(part, opened(slope * bar), equation)


def handed_on(
    part: sp.Expr, contribution: sp.Expr, equation: Equation
) -> Iterator[tuple[Quantity, sp.Expr]]:
    """What a part of an equation's right-hand side receives, or a node hands to its arguments."""
    if isinstance(part, Node):
        for argument, share in part.adjoint(gathered(part, [contribution])):
            yield from handed_on(argument, share, equation)
    elif isinstance(part, Quantity):
        yield part, contribution
    elif not is_constant(part):
        raise unnamed(part, equation)


def is_constant(expr: sp.Expr) -> bool:
    """Whether an expression is made of plain numbers and sizes alone, so that its derivative is
    zero."""
    return not expr.has(Quantity)


def unnamed(part: sp.Expr, equation: Equation) -> CellError:
    """The error where something that varies has no name, and so no adjoint and no tangent."""
    return CellError(
        f"equation `{equation.lhs}`: the derivative by `{describe(part)}` has nowhere to go, since "
        f"that has no name; bring the equations into normal form first"
    )


def named_quotients(equations: Iterable[Equation]) -> dict[sp.Expr, Quantity]:
    """The quotients that are equations, with their names."""
    return {e.rhs: e.lhs for e in equations if divisor_of(e.rhs) != 1 and not e.stretches}


def under_names(product: sp.Expr, quotients: Mapping[sp.Expr, Quantity]) -> sp.Expr:
    """A product in which a quotient that has a name stands under it."""
    factors = set(sp.Mul.make_args(product))
    for quotient, name in quotients.items():
        if factors.issuperset(sp.Mul.make_args(quotient)):
            return product / quotient * name
    return product


def with_shapes(equation: Equation, taken: set[str]) -> Iterator[Equation]:
    """The equation of an adjoint. Where a matrix receives the same for all of a row, and the same
    for all of a column, and nothing else, the sum of these has no shape: what comes first is then
    stretched to a matrix of its own."""
    if not has_shape(equation.rhs):
        terms = sorted(sp.Add.make_args(equation.rhs), key=str)
        axes = next(filter(None, map(axes_of, terms)))
        part = Quantity(fresh(f"{equation.lhs}_along_{axes[-1]}", taken), equation.lhs.axes)
        alike = [term for term in terms if axes_of(term) == axes]
        yield Equation(part, sp.Add(*alike))
        equation = replace(equation, rhs=sp.Add(part, *(t for t in terms if t not in alike)))
    yield equation


def gathered(part: Quantity | Node, contributions: Iterable[sp.Expr]) -> sp.Expr:
    """The sum of contributions. What was stretched along an axis, a number to a vector or a vector
    to a matrix, receives from every entry along it: there the sum runs over that axis too."""
    plain: list[sp.Expr] = []
    wider: dict[tuple[Axes, sp.Expr], list[sp.Expr]] = {}
    for contribution in contributions:
        along = tuple(a for a in axes_of(contribution) if a not in axes_of(part))
        if not along:
            plain.append(contribution)
        else:
            factor, rest = separated(contribution, along)
            if isinstance(rest, MatVec):  # each a product of its own
                plain.append(factor * summed(rest, along))
            else:
                wider.setdefault((axes_of(rest), factor), []).append(rest)
    for (axes, factor), some in wider.items():
        plain.append(factor * summed(sp.Add(*some), (a for a in axes if a not in axes_of(part))))
    return sp.Add(*plain)


def separated(product: sp.Expr, along: Axes) -> tuple[sp.Expr, sp.Expr]:
    """A product as what is the same along these axes, and stands outside a sum over them, times
    the rest."""
    parts = (factor.primitive() for factor in sp.Mul.make_args(product))  # 2 (a - m) for 2 a - 2 m
    factors = [factor for part in parts for factor in part]
    same = [f for f in factors if not set(axes_of(f)) & set(along)]
    return sp.Mul(*same), sp.Mul(*(f for f in factors if f not in same))


def partials(
    equation: Equation, by_output: bool = True
) -> Iterator[tuple[Quantity | Node, sp.Expr]]:
    """The equation's direct inputs, quantities and nodes, each with the partial derivative by it.

    An activation's derivative is written with its output, which is the equation's left-hand side,
    and so is a quotient's by what is below its bar. `by_output` is False where quotients are
    better off without: adjoint equations are linear in adjoints, and what these are multiplied with
    is known before the loop, while their left-hand sides are not.
    """
    slopes = (
        _slopes_of_function(equation)
        if isinstance(equation.rhs, Elementwise | Stated)
        else _slopes_of_formula(equation, by_output)
    )
    for part, slope in slopes:
        if slope == 0 or is_constant(part):
            continue
        if not isinstance(part, Quantity | Node):
            raise unnamed(part, equation)
        yield part, slope


def _slopes_of_function(equation: Equation) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    rhs, inputs = equation.rhs, equation.rhs.args
    own = isinstance(rhs, Stated)
    slopes = rhs.slopes(equation.lhs) if own else rhs.slopes(equation.lhs, *inputs)
    yield from zip(inputs, slopes, strict=True)


@lru_cache(maxsize=4096)
def _slopes_of_formula(equation: Equation, by_output: bool) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
    """Sums, products and powers: the derivative by each name, and by each node as if it had one.

    That of a quotient y = n/d is (n' - y d')/d, so that neither n nor 1/d² is computed again. The
    order is by name, never SymPy's or a hash's.
    """
    stand_in = {node: sp.Dummy() for node in outermost_nodes(equation.rhs)}
    back = {dummy: node for node, dummy in stand_in.items()}
    flat = equation.rhs.xreplace(stand_in)
    divisor = divisor_of(flat) if by_output else sp.S.One
    dividend = flat if divisor == 1 else flat * divisor
    slopes = []
    for symbol in sorted(flat.free_symbols, key=lambda s: str(back.get(s, s))):
        slope = sp.diff(dividend, symbol)
        if divisor != 1:
            slope = (slope - equation.lhs * sp.diff(divisor, symbol)) / divisor
        slopes.append((back.get(symbol, symbol), slope.xreplace(back)))
    return tuple(slopes)
