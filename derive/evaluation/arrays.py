"""An expression's value, for arrays in the place of its quantities.

Every array has the axes of what is computed at once, then the quantity's own. For one step of B
sequences a vector is (B, n), a scalar (B,), a matrix (B, n, m); for all T steps a vector is
(T, B, n). What is the same everywhere has the length 1 there. Functions are NumPy's, and nothing
here was derived: it is a second opinion on what the generated code computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

import numpy as np
import sympy as sp

from derive import elementwise
from derive.cell import Equation
from derive.deviation import Composed
from derive.elementwise import Elementwise
from derive.nodes import Axes, Axis, Node, Quantity, Size, axes_of, stretched

Array = Any  # of float64


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), without a large number on the way."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


FUNCTIONS: dict[type[Elementwise], Callable[..., Array]] = {
    elementwise.sigmoid: sigmoid,
    elementwise.tanh: np.tanh,
    elementwise.relu: lambda z: np.maximum(z, 0),
    elementwise.step: lambda z: np.heaviside(z, 0),
    elementwise.exp: np.exp,
    elementwise.expm1: np.expm1,
    elementwise.log: np.log,
    elementwise.log1p: np.log1p,
    elementwise.log_sigmoid: lambda z: -np.logaddexp(0, -z),
    elementwise.sqrt: np.sqrt,
    elementwise.sin: np.sin,
    elementwise.cos: np.cos,
    elementwise.softplus: lambda z: np.logaddexp(0, z),
    elementwise.absolute: np.abs,
    elementwise.sign: np.sign,
    elementwise.floor: np.floor,
    elementwise.stop_gradient: np.asarray,
    elementwise.surrogate: lambda of, like: np.broadcast_arrays(of, like)[0],
    elementwise.choose: lambda d, p, q: np.where(d > 0, p, q),
    elementwise.maximum: np.maximum,
    elementwise.heaviside: lambda z: np.heaviside(z, 0.5),
}


Values = Mapping[Quantity, Array]
Sizes = Mapping[Axis, int]


def extent(axes: Axes, sizes: Sizes) -> tuple[int, ...]:
    """A quantity's shape in numbers."""
    return tuple(sizes[axis] for axis in axes)


def define(
    equations: Iterable[Equation],
    values: MutableMapping[Quantity, Array],
    sizes: Sizes,
    outer: tuple[int, ...],
) -> None:
    """Add to the values what equations define, one after the other, each (*outer, …)."""
    for e in equations:
        found = stretched(evaluate(e.rhs, values, sizes), axes_of(e.rhs), e.lhs.axes)
        values[e.lhs] = filled(found, (*outer, *extent(e.lhs.axes, sizes)))


def evaluate(expr: sp.Expr, values: Values, sizes: Sizes) -> Array:
    """The value of an expression; TypeError for one that is not made of a cell's words.

    It may be infinite, or no number: that shows in it, and needs no warning.
    """
    with np.errstate(all="ignore"):
        return _value(expr, values, sizes)


def _value(expr: sp.Expr, values: Values, sizes: Sizes) -> Array:
    if isinstance(expr, Quantity):
        return values[expr]
    if isinstance(expr, Size):
        return np.array([float(sizes[expr.axis])])
    if isinstance(expr, sp.Number | sp.NumberSymbol):
        return np.array([float(expr)])
    if isinstance(expr, Composed):
        return _value(expr.formula(), values, sizes)
    parts = [_value(part, values, sizes) for part in expr.args]
    if isinstance(expr, Node):
        return expr.value(*parts)
    axes = axes_of(expr)
    level = zip(parts, map(axes_of, expr.args), strict=True)
    return applied(type(expr), [stretched(part, own, axes) for part, own in level])


def applied(kind: type, operands: list[Array]) -> Array:
    """An operation or a function, entry by entry."""
    if kind is sp.Add:
        return sum(operands[1:], operands[0])
    if kind is sp.Mul:
        return np.multiply.reduce(np.broadcast_arrays(*operands), axis=0)
    if kind is sp.Pow:
        return np.power(*operands)
    if kind in FUNCTIONS:
        return FUNCTIONS[kind](*operands)
    raise TypeError(f"no value is known for {kind.__name__}")


def filled(value: Array, shape: tuple[int, ...]) -> Array:
    """A value as an equation's left-hand side has it: what is one number fills all of it."""
    value = value.reshape(value.shape + (1,) * (len(shape) - value.ndim))
    return np.array(np.broadcast_to(value, shape))
