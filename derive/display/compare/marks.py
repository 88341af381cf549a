"""Equations of a difference, ready to be printed: with a sign, in lines, changed terms told apart.

Both printers (shown.py, latex.py) add their own symbols and colours to what stands here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import sympy as sp

from derive.cell import Equation
from derive.display.compare.terms import Change
from derive.display.derivation import negative
from derive.display.formula import Mathematics, fill
from derive.printing import PRODUCT, SUM

START, END = MARKS = "\ue010\ue011"  # around a changed term, until its equation is in lines

Printer = TypeVar("Printer", bound=Mathematics)
Pieces = list[tuple[str, bool]]  # a line, cut where it changes; whether each piece has changed


@dataclass(frozen=True)
class Version(Generic[Printer]):
    """An equation as the old cell has it ("-"), the new one ("+"), or both ("").

    changed  the terms that the other cell's equation does not have
    printer  the printer of the cell that the equation is from
    """

    sign: str
    equation: Equation
    changed: tuple[sp.Expr, ...]
    printer: Printer

    def lines(
        self, total: str, width: Callable[[str], float], room: float, indent: float = 1
    ) -> Iterator[tuple[int, Pieces]]:
        """The right side in lines no wider than `room`, each with how many times to `indent` it."""
        text = marked(self.printer, self.equation, self.changed, total)
        is_changed = False
        rest = room - 2
        for depth, line in fill(text, lambda part: width(unmarked(part)), room, rest, indent):
            pieces: Pieces = []
            for piece in cut(line):
                is_changed = piece[0] == START if piece[0] in MARKS else is_changed
                pieces.append((unmarked(piece), is_changed))
            yield depth, pieces


def versions(
    changes: Iterable[Change], printers: tuple[Printer, Printer]
) -> Iterator[Version[Printer]]:
    """The equations to print: unchanged ones once, changed ones as they were and as they are."""
    for change in changes:
        if change.same and change.new:
            yield Version("", change.new, (), printers[1])
            continue
        if change.old:
            yield Version("-", change.old, change.removed, printers[0])
        if change.new:
            yield Version("+", change.new, change.added, printers[1])


def marked(
    printer: Mathematics, equation: Equation, changed: tuple[sp.Expr, ...], total: str = ""
) -> str:
    """The right side of an equation as it is printed, each changed term between marks."""
    terms = printer.terms(equation)
    if not changed or (len(terms) == 1 and len(changed) == 1):
        right = printer.sides(equation, total)[1]
        return f"{START}{right}{END}" if changed else right
    printer = printer.ordered(equation)
    text = ""
    for term in terms:
        minus = negative(term) and bool(text)
        sign = (printer.minus if minus else printer.plus) if text else ""
        value = printer.print(-term if minus else term, PRODUCT if minus else SUM)
        text += sign + (f"{START}{value}{END}" if term in changed else value)
    return total + (printer.bracket(text) if total else text)


def cut(text: str) -> list[str]:
    """The text, cut in front of every mark."""
    return [piece for piece in re.split(f"(?=[{MARKS}])", text) if piece]


def unmarked(text: str) -> str:
    """The formula without its marks."""
    return text.replace(START, "").replace(END, "")
