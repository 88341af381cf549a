"""Choosing among the layers that a cell may be, or saying why it is none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from derive.cell import Cell
from derive.display.about import settings
from derive.nodes import CellError, symbols_of
from derive.weights.fit import Fit, Misfit
from derive.weights.reasons import Condition
from derive.weights.values import value
from derive.weights.words import Words

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Candidate(Generic[Kept]):
    """A layer that a cell may be.

    values  what parameters are converted, by name
    fit     of the layer and the cell
    kept    what else is known of it
    """

    values: Mapping[str, Any]
    fit: Fit | Misfit
    kept: Kept

    def broken(self) -> Iterator[Condition]:
        """The conditions of the fit that these values do not fulfil."""
        for condition in self.fit.conditions:
            first = min(symbols_of(condition.value), key=str)
            if np.any(value(condition.value, self.values, self.values[first.name].shape) != 0):
                yield condition


def chosen(cell: Cell, candidates: Sequence[Candidate[Kept]]) -> tuple[Fit, Kept]:
    """The first that fits whatever the values are, or else the first that fits these; CellError
    where there is none, with the reason that is nearest to a fit."""
    for is_ready in (lambda one: not one.fit.conditions, lambda one: not any(one.broken())):
        for one in candidates:
            if isinstance(one.fit, Fit) and is_ready(one):
                return one.fit, one.kept
    raise CellError(_refusal(cell, candidates))


def _refusal(cell: Cell, candidates: Sequence[Candidate[Any]]) -> str:
    """Why a cell is none of these layers: of those that would fit other values, the one that asks
    for least, or else the one whose equations agree longest."""
    fitting = [one for one in candidates if isinstance(one.fit, Fit)]
    if fitting:
        one = min(fitting, key=lambda one: len(one.fit.conditions))
        broken = next(one.broken())
        names = Words(one.fit.source.parameters)(broken.value)
        return _said(cell, one.fit, f"{broken.why}, and `{names}` is not zero")
    misfits = [one.fit for one in candidates if isinstance(one.fit, Misfit)]
    misfit = max(misfits, key=lambda misfit: misfit.different.depth)
    return _said(cell, misfit, misfit.different.reason)


def _said(cell: Cell, fit: Fit | Misfit, reason: str) -> str:
    """A reason with names for the two cells."""
    own, title = cell.name + settings(cell), fit.variant.title
    pair = (own, title) if fit.source is cell else (title, own)
    for word, name in zip(("{source}", "{target}"), pair, strict=True):
        reason = reason.replace(word, name)
    return f"{own} is not {title}: {reason}"
