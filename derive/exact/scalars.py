"""Equations on small arrays of scalars: a formula of vectors and matrices, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from derive.cell import Equation
from derive.deviation import Composed
from derive.elementwise import Declared, Elementwise
from derive.exact.rational import Peak, Shared
from derive.largest import Largest
from derive.nodes import Axes, Axis, H, Node, Quantity, Size, axes_of, stretched

Value = Any  # an array of scalar expressions, with a quantity's axes


def defined(equation: Equation, values: Mapping[Quantity, Value], where: str) -> Value:
    """The scalars that an equation defines, each held once."""
    value = evaluate_as(equation.lhs.axes, equation.rhs, values)
    return shared(value, f"{equation.lhs} {where}")


def shared(value: Value, name: str) -> Value:
    value = np.asarray(value, object)
    held = np.empty(value.shape, object)
    for place in np.ndindex(value.shape):
        part = sp.sympify(value[place])
        held[place] = Shared(" ".join([name, *map(str, place)]), part) if part.args else part
    return held


def evaluate(expr: sp.Expr, values: Mapping[Quantity, Value]) -> Value:
    """An expression on arrays of scalars."""
    if isinstance(expr, Quantity):
        return values[expr]
    if isinstance(expr, Size):
        return np.array(sp.Integer(length(expr.axis)))
    if not expr.args:
        return np.array(expr)
    if isinstance(expr, Composed):
        return evaluate(expr.formula(), values)
    parts = [evaluate(a, values) for a in expr.args]
    if isinstance(expr, Largest):
        return np.apply_along_axis(_peak, -1, shared(parts[0], "inside"))
    if isinstance(expr, Node):
        return shared(np.asarray(expr.value(*parts), object), "product")
    if isinstance(expr, sp.Pow | Elementwise):  # keeps SymPy from analysing what is inside
        parts = [shared(part, "inside") for part in parts]
    level = zip(parts, map(axes_of, expr.args), strict=True)
    return elementwise(expr.func, [stretched(part, own, axes_of(expr)) for part, own in level])


def _peak(numbers: Value) -> sp.Expr:
    return Peak(*numbers)


def evaluate_as(axes: Axes, expr: sp.Expr, values: Mapping[Quantity, Value]) -> Value:
    """An expression where something of these axes is defined: a number there fills a vector."""
    value = stretched(evaluate(expr, values), axes_of(expr), axes)
    return np.broadcast_to(value, tuple(map(length, axes)))


def elementwise(function: type, parts: list[Value]) -> Value:
    rule = function.textbook if issubclass(function, Declared) else function
    return np.asarray(np.frompyfunc(rule, len(parts), 1)(*parts), object)


def add(one: Value, other: Value) -> Value:
    return elementwise(sp.Add, [one, other])


def dot(one: Value, other: Value) -> sp.Expr:
    return sp.Add(*(a * b for a, b in zip(one.flat, other.flat, strict=True)))


def symbols(name: str, axes: Axes) -> Value:
    made = np.empty(tuple(map(length, axes)), object)
    for place in np.ndindex(made.shape):
        made[place] = sp.Symbol("_".join([name, *map(str, place)]), real=True)
    return made


def length(axis: Axis) -> int:
    """Two units, or heads; other axes are longer, so that one taken for another does not fit."""
    return 2 if axis == H or axis.heads else 3
