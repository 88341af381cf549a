"""The largest entry of a vector, the one reduction beside the sum."""

from __future__ import annotations

import sympy as sp

from derive.deviation import Stated
from derive.elementwise import maximum, step
from derive.nodes import Axes, CellError, FeatureSum, axes_of, describe


class Largest(Stated):
    """The largest entry of a vector, one number for each sequence; where several are the largest,
    they share its derivative."""

    nargs = 1
    called = "largest"

    def axes(self) -> Axes:
        if len(axes_of(self.args[0])) != 1:
            raise CellError(
                f"largest(…) is taken over a vector, and {describe(self.args[0])} is none"
            )
        return ()

    def slopes(self, y: sp.Expr) -> tuple[sp.Expr, ...]:
        is_largest = 1 - step(y - self.args[0])
        return (is_largest / maximum(FeatureSum(is_largest), 1),)  # past a sequence's end, y is old
