"""The entries of a parameter as a formula of their place: a matrix that is computed from its sizes.

A formula has the numbers of row and column in it, from 0 on, and sizes; it is evaluated once, where
parameters get their first values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derive.elementwise import FUNCTIONS
from derive.names import ranks
from derive.nodes import Axes, CellError, Quantity, Size, describe

PLACE = ROW, COLUMN = Quantity("row"), Quantity("column")
RANKS = ranks(place.name for place in PLACE)  # for whoever prints formulas of them


def entries(name: str, rule: Callable[..., Any], axes: Axes) -> sp.Expr:
    """What a person's function says of each entry; CellError where that is no formula."""
    try:
        formula = sp.sympify(rule(*PLACE[: len(axes)]), strict=True)
    except CellError:
        raise
    except Exception as error:  # a person's own code may raise anything
        said = " ".join(str(error).split())
        if "truth value" in said:
            said = "use where(…) for a choice"
        if isinstance(error, NameError) and error.name:
            said = f"a function does not see the class; hand it in: `{error.name}={error.name}`"
        raise CellError(f"the entries of `{name}`: {said}") from error
    check(name, formula)
    return formula


def check(name: str, formula: sp.Expr) -> None:
    """CellError where the entries of a parameter are no formula of their place and of sizes."""
    known = (Quantity, Size, sp.Add, sp.Mul, sp.Pow, sp.Number, sp.NumberSymbol, *FUNCTIONS)
    for part in sp.preorder_traversal(formula):
        is_place = part in PLACE or not isinstance(part, Quantity)
        if not isinstance(part, known) or not is_place or part.is_finite is False:
            raise CellError(
                f"the entries of `{name}` are a formula of their place and of sizes, and "
                f"`{describe(part)}` is none"
            )
