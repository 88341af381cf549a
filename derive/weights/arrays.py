"""The arrays of a layer that a cell is: what lies in them, in words and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from derive.nodes import Axis
from derive.weights.fit import Fit
from derive.weights.layout import Array
from derive.weights.values import value
from derive.weights.words import Words

Rows = tuple[tuple[sp.Expr, ...], ...]


def needed(fit: Fit) -> dict[Array, Rows]:
    """The arrays, each with its rows, in terms of the cell's parameters; without those that may be
    left out since they are zero."""
    rows = {array: fit.arrays[array.name] for array in fit.variant.operator.arrays}
    groups = {a.group for a, own in rows.items() if any(part != 0 for row in own for part in row)}
    return {a: own for a, own in rows.items() if not a.group or a.group in groups}


def in_words(fit: Fit) -> dict[str, list[str]]:
    """What lies in each array, one part after the other."""
    words = Words(fit.source.parameters)
    return {
        a.name: [words(part) for row in rows for part in row] for a, rows in needed(fit).items()
    }


def in_numbers(
    fit: Fit, parameters: Mapping[str, Any], lengths: Mapping[Axis, int]
) -> dict[str, Any]:
    """The arrays, where the cell's parameters have these values and its axes these lengths."""
    theirs = {p.name: p for p in fit.variant.cell.parameters}
    axes, directions, found = fit.match.aligned.axes, fit.variant.convention.directions, {}
    for array, rows in needed(fit).items():
        own = next(theirs[part].axes for part in array.parts if part in theirs)
        shape = tuple(lengths[axes[axis]] for axis in own)
        made = [np.concatenate([value(part, parameters, shape) for part in row]) for row in rows]
        whole = np.stack(made) if len(made) > 1 else made[0]
        whole = whole.T if array.transposed else whole
        found[array.name] = whole[None] if directions else whole
    return found
