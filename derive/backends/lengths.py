"""Lengths in a network, as formulas of sizes that are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.nodes import Axis
from derive.printing import PRODUCT, Infix


class LengthPrinter(Infix):
    """Prints lengths: sizes are arguments by their names, in what `holder` says."""

    def __init__(self, arguments: Mapping[Axis, str], holder: str = ""):
        super().__init__({axis.letter: k for k, axis in enumerate(arguments)})
        self.arguments, self.holder = arguments, holder

    def symbol(self, symbol):
        return self.holder + self.arguments[symbol.axis]

    def power(self, expr):  # of two axes that are one size
        base, exponent = expr.args
        return self.times.join([self(base)] * int(exponent)), PRODUCT


def lettered(axes: Iterable[Axis]) -> dict[Axis, str]:
    """The letters of a network's sizes, for people: T and B are the steps and the sequences."""
    return {axis: axis.letter + "_" * (axis.letter in ("T", "B")) for axis in axes}
