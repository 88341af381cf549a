"""The largest entry of a vector, the one reduction beside the sum."""

from __future__ import annotations

import sympy as sp

from derive.deviation import Stated
from derive.elementwise import maximum, step
from derive.nodes import Axes, CellError, FeatureSum, axes_of, describe, heads, own


class Largest(Stated):
    """The largest entry of a vector, one number for each sequence; where several are the largest,
    they share its derivative."""

    nargs = 1
    called = "largest"
    is_reduction = True

    def axes(self) -> Axes:
        axes = axes_of(self.args[0])
        if len(own(axes)) != 1:
            raise CellError(
                f"largest(…) is taken over a vector, and {describe(self.args[0])} is none"
            )
        return heads(axes)

    def value(self, *arrays):
        return arrays[0].max(axis=-1)

    def slopes(self, y: sp.Expr) -> tuple[sp.Expr, ...]:
        is_largest = 1 - step(y - self.args[0])
        return (is_largest / maximum(FeatureSum(is_largest), 1),)  # past a sequence's end, y is old
