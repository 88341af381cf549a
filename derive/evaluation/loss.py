"""What the adjoints are derivatives of: a loss on the outputs, by a plain formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derive.evaluation.arrays import Array
from derive.evaluation.given import series
from derive.nodes import CellError


@dataclass(frozen=True)
class Loss:
    """A loss.

    formula  how it is made of the outputs y, for people
    value    its value
    seed     its derivative with respect to the outputs, (T, B, n)
    """

    formula: str
    value: float
    seed: Array


def total(ys: Array) -> Loss:
    """The sum of all outputs."""
    return Loss("the sum of all outputs", float(np.sum(ys)), np.ones_like(ys))


def squares(ys: Array, target: object) -> Loss:
    """Half of the squared distance to a target, ½ Σ |y - target|²; one step of it serves all.

    Raises CellError for a target of another shape."""
    whole = isinstance(target, np.ndarray) and target.shape == ys.shape  # of heads, (T, B, N, V)
    wanted: Array = target if whole else series(target, "the target")
    try:
        wanted = np.broadcast_to(wanted, ys.shape)
    except ValueError:
        raise CellError(
            f"the target has shape {wanted.shape}, and the outputs have {ys.shape}: (steps, "
            f"sequences, entries)"
        ) from None
    away = ys - wanted
    return Loss("½ Σ |y − target|²", float(np.sum(away**2) / 2), away)
