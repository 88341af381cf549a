"""A trace as it is told: sections of lines, each of which is an equation with its values put in.

This is what every format prints. A text that names quantities is a tuple of words and expressions,
since each format writes a quantity in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import Textbook
from derive.display.formula import Mathematics, plain
from derive.display.trace.numbers import Array
from derive.display.trace.printers import PutIn, Value
from derive.printing import SUM

Text = tuple[str | sp.Expr, ...]


@dataclass(frozen=True)
class Line:
    """An equation, its values put in, its result.

    equation  the equation
    value     gives the value of any expression at its step
    part      what is computed, where it is a part of the equation and has no name
    remarks   what the number says
    """

    equation: Equation
    value: Value
    part: sp.Expr | None = None
    remarks: tuple[Text, ...] = ()

    def sides(self, symbols: Mathematics, numbers: Callable[[Value], PutIn]) -> list[str]:
        """The texts between which the signs of equality stand, none twice in a row."""
        put_in, lhs = numbers(self.value), self.equation.lhs
        formula = self.equation.rhs if self.part is None else self.part
        sides = [] if self.part is not None else [symbols.symbol(lhs)]
        for printer in (symbols, put_in):
            sides.append(printer.ordered(self.equation).print(formula, SUM))
        result = self.value(lhs if self.part is None else formula)
        return list(without_repetition([*sides, put_in.array(result)]))


@dataclass(frozen=True)
class Sum:
    """What the steps add to a parameter's adjoint, and their sum.

    equation  what one step adds
    shares    the value at each step
    total     their sum
    """

    equation: Equation
    shares: tuple[Array, ...]
    total: Array
    remarks: tuple[Text, ...] = ()

    def sides(self, symbols: Mathematics, numbers: Callable[[Value], PutIn]) -> list[str]:
        put_in = numbers(lambda _: self.total)
        left, right = symbols.sides(self.equation, put_in.total)
        sides = [left, right, put_in.array(self.total)]
        if self.total.ndim < 2 or self.total.size == 1:  # matrices would fill a page
            sides.insert(2, put_in.sum_of(self.shares))
        return list(without_repetition(sides))


@dataclass(frozen=True)
class Given:
    """Values that are given, or handed on."""

    values: tuple[tuple[sp.Symbol, Array], ...] = ()

    def sides(
        self, symbols: Mathematics, numbers: Callable[[Value], PutIn]
    ) -> Iterator[tuple[str, str]]:
        """Each name and its value."""
        for quantity, array in self.values:
            yield symbols.symbol(quantity), numbers(self.value).array(array)

    def value(self, quantity: sp.Expr) -> Array:
        """The value of one of them."""
        return dict(self.values)[quantity]


@dataclass(frozen=True)
class Section:
    """A heading, values and equations, and what is to be said of them.

    level  1 for a step of the series, 2 for a step of the telling
    """

    heading: Text
    level: int = 1
    given: Given = Given()
    lines: tuple[Line | Sum, ...] = ()
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Story:
    """All of it.

    title   the cell's
    book    the equations, whose names a printer needs
    notes   what was given, what was drawn, what the loss is
    """

    title: str
    book: Textbook
    notes: tuple[Text, ...]
    sections: tuple[Section, ...] = field(default=())


def together(remarks: tuple[Text, ...]) -> Text:
    """Several remarks as one text."""
    texts = (((", ",) if n else ()) + remark for n, remark in enumerate(remarks))
    return tuple(chain.from_iterable(texts))


def without_repetition(sides: list[str]) -> Iterator[str]:
    """Each text but those that say what the one before it has said."""
    last = None
    for side in sides:
        if plain(side) != last:
            yield side
        last = plain(side)
