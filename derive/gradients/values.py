"""What every equation of a cell gives along a trajectory.

The equations are read one by one, for all steps at once. They know nothing of the generated
module, whose states they are checked against.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from typing import Any

import numpy as np
import sympy as sp

from derive.deviation import Deviation
from derive.elementwise import Elementwise
from derive.gradients.trajectory import Trajectory, lengths
from derive.nodes import Axis, FeatureSum, MatVec, Quantity, Size, Transposed

Values = Mapping[Quantity, Any]


def values(trajectory: Trajectory) -> dict[Quantity, Any]:
    """By quantity, its values: inputs, old states and equations (T, B, n), a number (T, B, 1),
    parameters as they are."""
    cell, params = trajectory.cell, trajectory.params
    found: dict[Quantity, Any] = {p: params[p.name] for p in cell.parameters}
    found[cell.input] = trajectory.xs
    found |= {s: values[:-1] for s, values in trajectory.states.items()}
    axes = lengths(cell, params)
    for equation in cell.equations:
        found[equation.lhs] = along(trajectory, equation.lhs, evaluate(equation.rhs, found, axes))
    return found


def along(trajectory: Trajectory, like: Quantity, value: Any) -> Any:
    """A value at every step of every sequence, with an entry for each of the quantity's."""
    axes = lengths(trajectory.cell, trajectory.params)
    n = axes[like.axes[0]] if like.axes else 1
    return np.broadcast_to(value, (*trajectory.xs.shape[:2], n))


def evaluate(expr: sp.Expr, values: Values, axes: Mapping[Axis, int]) -> Any:
    """An expression's value; vectors are (…, n), numbers (…, 1) or plain."""
    if isinstance(expr, Quantity):
        return values[expr]
    if isinstance(expr, Size):
        return float(axes[expr.axis])
    if isinstance(expr, Deviation):
        return evaluate(expr.formula(), values, axes)
    if not expr.args:
        return float(expr)
    parts = [evaluate(part, values, axes) for part in expr.args]
    with np.errstate(all="ignore"):
        return _operation(expr)(*parts)


def _operation(expr: sp.Expr) -> Any:
    """What an expression does with its parts."""
    if isinstance(expr, Elementwise):
        return _numeric(expr.func, len(expr.args))
    return next(f for kind, f in OPERATIONS.items() if isinstance(expr, kind))


OPERATIONS = {
    sp.Add: lambda *terms: reduce(np.add, terms),
    sp.Mul: lambda *factors: reduce(np.multiply, factors),
    sp.Pow: np.power,
    MatVec: lambda matrix, vector: vector @ matrix.T,
    Transposed: np.transpose,
    FeatureSum: lambda vector: np.sum(vector, axis=-1, keepdims=True),
}


@cache
def _numeric(function: type[Elementwise], count: int) -> Any:
    """An elementwise function of so many arrays, from its textbook formula."""
    arguments = sp.symbols(f"z:{count}", real=True)
    return sp.lambdify(arguments, function.textbook(*arguments), "numpy")
