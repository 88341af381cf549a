"""Equations between parameters, linear in the unknown ones: theirs, each in terms of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp

from derive.nodes import Quantity

Values = dict[Quantity, sp.Expr]


def solved(
    equations: Iterable[sp.Expr], unknowns: Sequence[Quantity]
) -> tuple[Values, list[sp.Expr]] | None:
    """What unknowns have to be for every expression to vanish, and what else has to vanish for
    that; None where one is not linear in what is unknown, once all others have been used.

    An unknown that is not given may be anything: so is, where only the sum of several counts, every
    one but the first.
    """
    waiting, found, remaining = list(equations), Values(), []
    while waiting:
        waiting = [sp.expand(equation.xreplace(found)) for equation in waiting]
        remaining += [rest for rest in waiting if rest != 0 and not _read(rest, unknowns)]
        waiting = [rest for rest in waiting if _read(rest, unknowns)]
        values = (value for rest in waiting for value in [_value(rest, unknowns)] if value)
        new = next(values, None)
        if new is None:
            break
        found = {u: sp.expand(e.xreplace(new)) for u, e in found.items()} | new
    return None if waiting else (found, remaining)


def _value(rest: sp.Expr, unknowns: Sequence[Quantity]) -> Values | None:
    """What one of the unknowns has to be for an expression to vanish, if that is a sum."""
    for pivot in _read(rest, unknowns):
        factor = sp.diff(rest, pivot)
        if factor.is_number or not _read(factor, unknowns):
            value = sp.expand(pivot - sp.expand(rest) / factor)
            if not value.has(pivot) and not any(p.exp.is_negative for p in value.atoms(sp.Pow)):
                return {pivot: value}
    return None


def _read(expr: sp.Expr, unknowns: Sequence[Quantity]) -> list[Quantity]:
    """The unknowns in an expression, in their order."""
    return [u for u in unknowns if u in expr.free_symbols]
