"""Functions of the language that are composed of others, and `each`, which repeats equations."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from derive.elementwise import maximum
from derive.language.body import Layer, current
from derive.language.declarations import operand
from derive.nodes import CellError, FeatureSum, Size, axes_of, describe


def sum(vector: sp.Expr) -> sp.Expr:
    """The sum over the features of a vector, one number for each sequence."""
    return FeatureSum(sp.sympify(operand(vector)))


def mean(vector: sp.Expr) -> sp.Expr:
    """The mean over the features of a vector."""
    vector = sp.sympify(operand(vector))
    axes = axes_of(vector)
    if len(axes) != 1:
        raise CellError(f"mean(…) is taken over a vector, and {describe(vector)} is not a vector")
    return FeatureSum(vector) / Size(axes[0])


def minimum(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """The smaller of two values."""
    return -maximum(-a, -b)


def each(count: int) -> Iterator[int]:
    """The numbers from 1 to `count`, for equations that are repeated.

    Inside ``for layer in each(depth):`` the number is appended to the name of every equation and
    member, ``n_1``, ``n_2``, …, and the name without a number stands for the latest one.
    """
    body = current()
    if isinstance(count, bool) or count != int(count) or count < 1:
        raise CellError(f"each(…) takes a whole number of at least 1, not {count!r}")
    if body.layer is not None:
        raise CellError(
            "loops over each(…) cannot be nested; name the equations of one of them by hand"
        )
    try:
        for number in range(1, count + 1):
            body.layer = Layer(number)
            yield body.layer
    finally:  # after a `break`, too
        body.layer = None
