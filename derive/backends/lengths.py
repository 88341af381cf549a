"""Lengths in a network, as formulas of sizes that are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from derive.network.network import Length, Network
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


class LengthsTold:
    """What the module of a network tells people of lengths: sizes are letters."""

    network: Network

    @cached_property
    def lettered(self) -> dict[Axis, str]:
        """The letter of each size; T and B are the steps and the sequences."""
        return {a: a.letter + "_" * (a.letter in ("T", "B")) for a in self.network.axes}

    def letters(self, length: Length) -> str:
        """A length for people."""
        return LengthPrinter(self.lettered)(length)

    def widths(self, axes: Iterable[Axis]) -> list[str]:
        """How long an input is along its axes, for people: as the first layer is along them."""
        return [self.letters(self.network.parts[0].sizes[axis]) for axis in axes]
