"""Linear equations between parameters: theirs, each in terms of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp

from derive.nodes import Quantity


def solved(
    equations: Iterable[sp.Expr], unknowns: Sequence[Quantity]
) -> tuple[dict[Quantity, sp.Expr], list[sp.Expr]]:
    """What unknowns have to be for every expression to vanish, and what else has to vanish for
    that. An unknown that is not given may be anything: so is, where only the sum of several counts,
    every one but the first."""
    found: dict[Quantity, sp.Expr] = {}
    remaining = []
    for equation in equations:
        rest = sp.expand(equation.xreplace(found))
        pivot = next((u for u in unknowns if rest.coeff(u) != 0), None)
        if pivot is None:
            remaining += [rest] if rest != 0 else []
            continue
        value = sp.expand(pivot - rest / rest.coeff(pivot))
        found = {u: sp.expand(e.xreplace({pivot: value})) for u, e in found.items()}
        found[pivot] = value
    return found, remaining
