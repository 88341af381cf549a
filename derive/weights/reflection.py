"""Functions of which f(-x) follows from f(x): σ(-x) = 1 - σ(x), tanh(-x) = -tanh(x).

Which do is found out from their textbook's formulas, by SymPy.
"""

from __future__ import annotations

from functools import cache
from inspect import signature
from typing import Any

import sympy as sp

from derive.elementwise import Declared, Elementwise

CANDIDATES = ((0, -1), (1, -1), (0, 1))  # k, m where f(-x) = k + m f(x)


@cache
def reflection(function: Any) -> tuple[int, int] | None:
    """The k and m of f(-x) = k + m f(x), if there are such; None where there are not."""
    if not isinstance(function, type) or not issubclass(function, Elementwise):
        return None
    if issubclass(function, Declared) or len(signature(function.textbook).parameters) != 1:
        return None
    x = sp.Symbol("x", real=True)
    here, there = function.textbook(x), function.textbook(-x)
    for k, m in CANDIDATES:
        if _vanishes(there - k - m * here, x):
            return k, m
    return None


def _vanishes(expr: sp.Expr, x: sp.Symbol) -> bool:
    """Whether an expression is zero: at one point, before SymPy is asked whether it is anywhere."""
    if abs(expr.subs(x, sp.Rational(1, 3)).evalf()) > 1e-6:
        return False
    return bool(sp.simplify(expr.rewrite(sp.exp)) == 0)
