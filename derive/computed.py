"""Equations in normal form as they are computed: of sums and elementwise functions alone.

What is stated of a derivative does not matter here. What is made of other words is written in
these, and what has a derivative that is declared is its value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

import sympy as sp

from derive.cell import Equation
from derive.deviation import Composed
from derive.elementwise import Declared
from derive.nodes import Quantity, symbols_of
from derive.normal import normalise


def computed(
    forward: Iterable[Equation], own: Collection[Quantity], taken: set[str]
) -> tuple[Equation, ...]:
    """The equations as they are computed. `own` are the quantities that a person has named, `taken`
    the names that no other may have."""
    equations: list[Equation] = []
    for e in values(tuple(forward), own):
        if isinstance(e.rhs, Composed):
            equations += normalise([replace(e, rhs=e.rhs.formula())], taken)
        else:
            equations.append(e)
    return tuple(equations)


def values(equations: tuple[Equation, ...], own: Collection[Quantity]) -> Iterable[Equation]:
    """The equations with values for what has a declared derivative, and without names for these
    values where only the normal form has given them one."""
    uses = Counter(q for e in equations for q in symbols_of(e.rhs))
    inner = {e.lhs: e.rhs for e in equations if e.lhs not in own}
    meaning: dict[sp.Expr, sp.Expr] = {}
    for e in equations:
        rhs = e.rhs
        if isinstance(rhs, Declared):
            rhs = rhs.of
            if e.lhs in inner and not e.stretches:
                meaning[e.lhs] = rhs.xreplace(meaning)
            elif rhs in inner and uses[rhs] == 1:
                rhs = inner[rhs]
        yield replace(e, rhs=rhs.xreplace(meaning))
