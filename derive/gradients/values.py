"""What every equation of a cell gives along a trajectory.

The equations are read one by one, for all steps at once. They know nothing of the generated
module, whose states they are checked against.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from derive.cell import Equation
from derive.evaluation.arrays import define
from derive.evaluation.inputs import arrays
from derive.gradients.trajectory import Trajectory, lengths
from derive.nodes import Quantity


def values(trajectory: Trajectory, equations: Iterable[Equation]) -> dict[Quantity, Any]:
    """By quantity, what is given, the old states and what equations define, (T, B, …), and the
    parameters, (1, 1, …)."""
    cell, params = trajectory.cell, trajectory.params
    found: dict[Quantity, Any] = {p: params[p.name][None, None] for p in cell.parameters}
    given = trajectory.given(trajectory.xs)
    found |= dict(zip(cell.inputs, arrays(given), strict=True))
    if cell.number:
        T, B = trajectory.xs.shape[:2]
        found[cell.number] = np.arange(1.0, T + 1)[:, None] * np.ones(B)
    for s, values in trajectory.states.items():
        found[s] = values[:-1] if s.axes else values[:-1, ..., 0]
    define(equations, found, lengths(cell, params), trajectory.xs.shape[:2])
    return found
