"""What a parameter of one cell is in terms of another's, and its value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp

from derive.nodes import Quantity, Transposed

Array = Any  # of numbers, or of SymPy's scalars


class Diagonal(sp.Function):
    """The matrix with a vector, or a number, on its diagonal."""

    nargs = 1

    @classmethod
    def eval(cls, inside: sp.Expr) -> sp.Expr | None:
        """A number stands in front."""
        number, factor = inside.as_coeff_Mul()
        return None if number == 1 else number * cls(factor)


def value(expr: sp.Expr, of: Mapping[str, Array], shape: tuple[int, ...]) -> Array:
    """The value of an expression of parameters, an array of this shape. Numbers in front, sums,
    transposes and diagonals keep the parameters' dtype; what is added to zero stays what it is, to
    the last bit and sign."""
    dtype = np.result_type(*of.values()) if of else np.dtype(float)  # where nothing is trained
    return np.broadcast_to(np.asarray(_value(expr, of, shape), dtype), shape).copy()


def _value(expr: sp.Expr, of: Mapping[str, Array], shape: tuple[int, ...]) -> Array:
    if isinstance(expr, Quantity):
        return of[expr.name]
    if isinstance(expr, Transposed):
        return _value(expr.args[0], of, shape[::-1]).T
    if isinstance(expr, Diagonal):
        entries = np.broadcast_to(_value(expr.args[0], of, shape[:1]), shape[:1])
        return np.diag(entries)
    if isinstance(expr, sp.Add):
        if all(term.could_extract_minus_sign() for term in expr.args):
            return -_value(-expr, of, shape)
        return reduce(_sum, (_value(term, of, shape) for term in expr.args))
    if isinstance(expr, sp.Mul):
        return reduce(_product, (_value(factor, of, shape) for factor in expr.args))
    if isinstance(expr, sp.Pow):
        return _value(expr.base, of, shape) ** int(expr.exp)
    return int(expr) if expr.is_Integer else float(expr)


def _sum(one: Array, other: Array) -> Array:
    """A sum in which a zero of either sign adds nothing to the other: of 0 and -0, it is -0."""
    total = np.asarray(one + other)
    if total.dtype == object:
        return total
    are_zero = np.equal(one, 0) & np.equal(other, 0)
    return np.where(are_zero & (np.signbit(one) | np.signbit(other)), -0.0, total)


def _product(one: Array, other: Array) -> Array:
    """A product in which a vector scales the rows of a matrix."""
    wide = max(np.ndim(one), np.ndim(other))
    one, other = (a[:, None] if np.ndim(a) == 1 and wide == 2 else a for a in (one, other))
    return one * other
