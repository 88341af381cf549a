"""Numbers for a reader: six digits, vectors and matrices in short."""

from __future__ import annotations

import math
from typing import Any

Array = Any

LONGEST = 4  # entries of a vector that are shown


def figure(x: float, digits: int = 6) -> str:
    """A number with so many significant digits: ``0.952574``, ``−1.2e−5``."""
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    text = f"{x + 0.0:.{digits}g}"
    if text in ("1", "-1") and abs(x) != 1:  # so that it is seen to be rounded
        text = f"{x:#.{digits}g}"
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}{e}{int(exponent) if e else ''}".replace("-", "−")


def percentage(x: float) -> str:
    """A share: ``95.3 %``. One that is not all, or not nothing, does not say that it is."""
    if 0 < x < 0.0005:
        return "less than 0.1 %"
    if 0.9995 < x < 1:
        return "more than 99.9 %"
    return f"{100 * x:.1f} %"


def percentages(array: Array) -> str:
    """The shares of a vector, from the least to the largest."""
    least, most = percentage(float(array.min())), percentage(float(array.max()))
    return least if least == most else f"{least} to {most}"


def entries(array: Array) -> list[Array | None]:
    """The entries that are shown, None for those left out; of one matrix for each head, fewer."""
    longest = LONGEST if array.ndim < 3 else 2
    if len(array) <= longest:
        return list(array)
    return [*array[: longest - 1], None, array[-1]]


def digits_of(array: Array) -> int:
    """How many digits: fewer in a vector, which has many."""
    return 6 if array.size == 1 else 4
