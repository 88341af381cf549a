"""The proof that two cells are the same: one step of each, on the same scalars, exactly.

Both are unrolled into scalars, with the parameters of the one computed from those of the other.
Their new states and outputs are the same rational functions of parameters, inputs, states and
activations, which `derive.exact.rational` finds out; σ(-x) and σ(x) are one variable there, since
one follows from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from derive.cell import Cell, Equation
from derive.exact.rational import PRIME, Points, Values, drawn
from derive.exact.scalars import Value, defined, length, symbols
from derive.nodes import Axis, Quantity, Size
from derive.weights.linear import solved
from derive.weights.match import Match
from derive.weights.reflection import reflection
from derive.weights.values import value


def proved(match: Match) -> bool:
    """Whether the target, with the parameters of the match, is the source: for all parameters of
    the source that fulfil the conditions, all inputs and all states."""
    source, target, aligned = match.source, match.target, match.aligned
    zero = solved([c.value for c in match.conditions], source.parameters)
    if zero is None or zero[1]:
        return False
    ours = {q: symbols(q.name, q.axes) for q in (*source.inputs, *source.states)}
    free = {p.name: symbols(p.name, p.axes) for p in source.parameters}
    own = {p: value(zero[0].get(p, p), free, _shape(p.axes)) for p in source.parameters}
    moved = {q: Quantity(q.name, tuple(aligned.axes[a] for a in q.axes)) for q in target.quantities}
    given = {p.name: array for p, array in own.items()}
    theirs = {moved[q]: ours[mine] for q, mine in aligned.quantities.items()}
    theirs |= {
        moved[p]: value(match.parameters[p.name], given, _shape(moved[p].axes))
        for p in target.parameters
    }
    one, other = (
        _step(source.equations, ours | own),
        _step(_moved(target, moved, aligned.axes), theirs),
    )
    pairs = [(one[source.output], other[moved[target.output]])]
    pairs += [
        (one[source.updates[aligned.quantities[state]]], other[moved[new]])
        for state, new in target.updates.items()
    ]
    return _same([pair for two in pairs for pair in zip(*(a.flat for a in two), strict=True)])


def _shape(axes: tuple[Axis, ...]) -> tuple[int, ...]:
    return tuple(map(length, axes))


def _moved(
    cell: Cell, names: Mapping[Quantity, Quantity], axes: Mapping[Axis, Axis]
) -> list[Equation]:
    """A cell's equations along other axes."""
    moved: dict[sp.Expr, sp.Expr] = {Size(axis): Size(own) for axis, own in axes.items()}
    moved |= names
    return [Equation(names[e.lhs], e.rhs.xreplace(moved)) for e in cell.equations]


def _step(equations: Any, given: Mapping[Quantity, Value]) -> dict[Quantity, Value]:
    """The values of all quantities in one step."""
    values = dict(given)
    for e in equations:
        values[e.lhs] = defined(e, values, "step")
    return values


def _same(pairs: list[tuple[sp.Expr, sp.Expr]]) -> bool:
    """Whether the functions of each pair are the same."""
    points = Mirrored()
    points.settle(function for pair in pairs for function in pair)
    return all((points.values(one) == points.values(other)).all() for one, other in pairs)


class Mirrored(Points):
    """Random points at which f(-x) follows from f(x), for every function that is known to be so."""

    def _found(self, e: sp.Expr) -> Values:
        function: Any = type(e)
        turned = reflection(function)
        if turned is None:
            return super()._found(e)
        (inside,) = map(self._value, e.args)
        if 2 * inside[0] < PRIME:
            return drawn(type(e).__name__, inside)
        k, m = turned
        return (k + m * drawn(type(e).__name__, -inside % PRIME)) % PRIME
