"""Functions of the language that are composed of others, and `each`, which repeats equations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.logic.boolalg import BooleanAtom

from derive.deviation import Deviation
from derive.elementwise import choose, exp, maximum, stop_gradient
from derive.language.body import current
from derive.language.declarations import operand
from derive.language.rounds import Layer
from derive.largest import Largest
from derive.nodes import (
    Axis,
    CellError,
    FeatureSum,
    Outer,
    Quantity,
    axes_of,
    count,
    describe,
    formula,
    own,
    shape,
    summed,
)


def sum(of: sp.Expr, *axes: Axis) -> sp.Expr:
    """The sum over the features of a vector, one number for each sequence; or over the axes that
    are named, ``sum(M, K)``, of a matrix (K, V) a vector along V."""
    of = formula(of)
    return summed(of, _axes("sum", of, axes)) if axes else FeatureSum(of)


def mean(of: sp.Expr, *axes: Axis) -> sp.Expr:
    """The mean over the features of a vector, or over the axes that are named."""
    of = formula(of)
    along = _axes("mean", of, axes)
    return summed(of, along) / count(along)


def _axes(word: str, of: sp.Expr, axes: tuple[Any, ...]) -> tuple[Axis, ...]:
    """What `of` is summed over: the axes that are named, or the one of a vector."""
    there = axes_of(of)
    for axis in axes:
        if axis not in there:
            raise CellError(f"{describe(of)} has shape {shape(there)}, and no axis {axis}")
        if axes.count(axis) > there.count(axis):
            raise CellError(f"{word}(…) names an axis twice")
        if axes.count(axis) < there.count(axis):
            raise CellError(
                f"{describe(of)} has the axis {axis} twice: {word}(M, {axis}, {axis}) is taken "
                f"over both"
            )
    if not axes and len(own(there)) != 1:
        which = f"; name an axis, as in {word}(M, {there[0]})" if own(there) else ""
        raise CellError(
            f"{word}(…) is taken over a vector, and {describe(of)} is not a vector{which}"
        )
    return axes or own(there)


def outer(u: sp.Expr, v: sp.Expr) -> sp.Expr:
    """The outer product u vᵀ: the matrix of all products of an entry of u with one of v."""
    return Outer(formula(u), formula(v))


def largest(vector: sp.Expr) -> sp.Expr:
    """The largest entry of a vector, one number for each sequence."""
    return Largest(sp.sympify(operand(vector)))


def softmax(vector: sp.Expr) -> sp.Expr:
    """exp(v) over its sum over the features: positive, with a sum of 1. All is taken relative to
    the largest entry, which changes nothing, so that nothing overflows; the powers are equations
    of their own, called after the vector."""
    body, given = current(), sp.sympify(operand(vector))
    named = given if isinstance(given, Quantity) else body.helper("v_softmax", given)
    shift = stop_gradient(Largest(named))
    powers = body.helper(f"exp_{named.name.removesuffix('_next')}", exp(named - shift))
    return powers / FeatureSum(powers)


def standardise(*vectors: sp.Expr, eps: Any = 0) -> sp.Expr | tuple[sp.Expr, ...]:
    """A vector with mean 0 and variance 1 over its features, (v - mu_v) / sigma_v, where sigma_v is
    the root of the mean square of v - mu_v, and of eps.

    Several vectors, ``p, q = standardise(u, v)``, share both, as if they were one long vector. mu
    and sigma are equations of their own, called after the vector, or after the family of several.
    """
    body, given = current(), [formula(v) for v in vectors]
    if not given:
        raise CellError("standardise(…) takes a vector")
    if not isinstance(eps, int | float | sp.Number) or eps < 0:
        raise CellError(
            f"standardise(v, eps=…) takes vectors and a number from 0 on, not eps={eps!r}"
        )
    named = [v if isinstance(v, Quantity) else body.helper("v_standard", v) for v in given]
    family = _family([v.name.removesuffix("_next") for v in named])
    mu = body.helper(f"mu_{family}", mean(sp.Add(*named)) / len(named))
    sigma = body.helper(f"sigma_{family}", Deviation(mu, sp.sympify(eps), *named))
    standardised = tuple((v - mu) / sigma for v in named)
    return standardised if len(named) > 1 else standardised[0]


def _family(names: list[str]) -> str:
    """What several are called after: ``u`` for u_f, u_i and u_o, or else the first."""
    families = {name.partition("_")[0] for name in names}
    return names[0] if len(names) == 1 or len(families) > 1 else families.pop()


def minimum(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """The smaller of two values."""
    return -maximum(-a, -b)


def where(condition: Any, one: Any, other: Any) -> sp.Expr:
    """`one` where a comparison such as ``v > 1`` is true, else `other`, entry by entry."""
    p, q = (sp.sympify(operand(value), strict=True) for value in (one, other))
    if isinstance(condition, bool | BooleanAtom):  # two numbers were compared
        return p if condition else q
    if not isinstance(condition, sp.Gt | sp.Ge | sp.Lt | sp.Le):
        given = describe(condition) if isinstance(condition, sp.Expr) else repr(condition)
        raise CellError(f"where(…) takes a comparison such as v > 1, not {given}")
    difference = condition.gts - condition.lts  # of the greater side and the lesser
    if isinstance(condition, sp.Ge | sp.Le):
        return choose(-difference, q, p)
    return choose(difference, p, q)


def each(count: Any) -> Iterator[int]:
    """The numbers from 1 to `count`, for equations that are repeated.

    Inside ``for layer in each(depth):`` the number is appended to the name of every equation and
    member, ``n_1``, ``n_2``, …, and the name without a number stands for the latest one. In another
    loop it would be the last, and so is refused; ``n[k]`` is that of round k.
    """
    body = current()
    is_number = isinstance(count, int | float) and not isinstance(count, bool)
    if not is_number or not math.isfinite(count) or count != int(count) or count < 1:
        raise CellError(f"each(…) takes a whole number of at least 1, not {count!r}")
    if body.layer is not None:
        raise CellError(
            "loops over each(…) cannot be nested; name the equations of one of them by hand"
        )
    body.loops += 1
    try:
        for number in range(1, int(count) + 1):
            body.layer = Layer(number, body.loops)
            yield body.layer
    finally:  # after a `break`, too
        body.layer = None
