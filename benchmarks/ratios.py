"""From times to ratios: our time over another's. Below 1 we are faster."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import geometric_mean, median, quantiles
from typing import Any, NamedTuple

from benchmarks.contestants import OURS, PRODUCTS

Figure = dict[str, Any]  # a row of figures.json: cell, shape, measure, rounds


class Ratio(NamedTuple):
    """The ratio of two medians over all rounds, and the quartiles of the rounds' own ratios."""

    value: float
    low: float
    high: float


def ours(figure: Figure) -> str:
    """Whose time is compared with the others'."""
    return next(name for name in OURS if name in figure["rounds"])


def others(figure: Figure) -> list[str]:
    return [name for name in figure["rounds"] if name != ours(figure) and name not in PRODUCTS]


def ratio(figure: Figure, other: str, mine: str = "") -> Ratio:
    """One contestant's time over another's: ours, where none is named."""
    one, two = figure["rounds"][mine or ours(figure)], figure["rounds"][other]
    of_rounds = [a / b for a, b in zip(one, two, strict=True)]
    low, _, high = quantiles(of_rounds, method="inclusive") if len(of_rounds) > 1 else 3 * of_rounds
    return Ratio(median(one) / median(two), low, high)


def mean(figures: Iterable[Figure], other: str, mine: str) -> float:
    """The geometric mean of the ratios."""
    return geometric_mean(ratio(figure, other, mine).value for figure in figures)


def floor(figure: Figure) -> Ratio | None:
    """Our time over that of the products alone, by the library that is faster at them."""
    there = [name for name in PRODUCTS if name in figure["rounds"]]
    if not there:
        return None
    return ratio(figure, min(there, key=lambda name: median(figure["rounds"][name])))
