"""A cell in the terminal: its equations and their derivation.

Nothing is wider than 80 columns, and only text comes out where the output is no terminal.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import sympy as sp

from derive.adjoint import adjoint
from derive.cell import Cell, Equation
from derive.display.about import paragraphs, shape
from derive.display.derivation import Name, textbook
from derive.display.formula import (
    BEFORE_FACTOR,
    BEFORE_OPERAND,
    BEFORE_TERM,
    Mathematics,
    fill,
    plain,
)
from derive.display.terminal import console
from derive.nodes import Quantity
from derive.printing import ATOM, POWER

if TYPE_CHECKING:  # what uses rich imports it, since that takes its time
    from rich.table import Table

BAR = "\N{COMBINING MACRON}"
FUNCTIONS = {"sigmoid": "σ", "maximum": "max", "Minimum": "min"}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def print_cell(cell: Cell) -> None:
    """Print a cell's equations and what was derived from them."""
    from rich.text import Text

    out = console()
    book = textbook(adjoint(cell))
    printer = Unicode(book)

    def say(text: str, style: str = "") -> None:
        for line in Text(text, style).wrap(out, out.width, overflow="fold"):
            line.rstrip()
            out.print(line)

    def section(heading: str, note: str, equations: Iterable[Equation], total: str = "") -> None:
        say(f"\n{heading}", "bold")
        say(note, "dim")
        for line in lines(printer, equations, total, out.width - 4):
            say("    " + line)

    say(cell.title, "bold")
    for paragraph in paragraphs(cell.doc):
        say(f"\n{paragraph}")
    say("\nQuantities", "bold")
    out.print(_quantities(cell, printer))
    section(
        "One step",
        "A prime marks a state's new value, and x ∘ y is the product entry by entry.",
        book.forward,
    )
    section(
        "Its adjoints, from the last step and equation to the first",
        "A bar marks the derivative of the loss by a quantity; with [loss] it is what the loss "
        "itself gives for the output, with [next] what the next step has handed back.",
        book.adjoints,
    )
    section(
        "Handed back",
        "To the step before, where it is [next], and to the input.",
        (*book.back, *book.inputs),
    )
    if book.parameters:
        section(
            "Gathered",
            "The parameters serve all steps and sequences: what they receive adds up over both.",
            book.parameters,
            "Σ ",
        )


# --- equations -----------------------------------------------------------------------------------


class Unicode(Mathematics):
    """Mathematics in Unicode, in the person's own names."""

    plus, minus, negation = BEFORE_TERM + " + ", BEFORE_TERM + " − ", "−"
    times, juxtaposed = BEFORE_FACTOR + " ∘ ", "·"

    def symbol(self, symbol: sp.Symbol) -> str:
        return self.named(self.names[symbol.name]) if isinstance(symbol, Quantity) else symbol.name

    def named(self, name: Name) -> str:
        """A name with its bar and its prime: c̄′."""
        word = f"{name.word[0]}{BAR}{name.word[1:]}" if name.bar else name.word
        return word + "′" * name.new + (f"[{name.part}]" if name.part in ("loss", "next") else "")

    def number(self, number: sp.Number) -> str:
        return super().number(number).replace("e-0", "e-").replace("-", "−")

    def matvec(self, matrix: sp.Expr, vector: sp.Expr) -> str:
        return f"{self.print(matrix, ATOM)}{BEFORE_OPERAND} {self.print(vector, ATOM)}"

    def outer(self, left: sp.Expr, right: sp.Expr) -> str:
        return f"{self.print(left, ATOM)}{BEFORE_OPERAND} {self.transposed(right)}"

    def transposed(self, matrix: sp.Expr) -> str:
        return self.print(matrix, ATOM) + "ᵀ"

    def quotient_of(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        below = (
            self.print(under[0], POWER) if len(under) == 1 else self.bracket(self.factors(under))
        )
        return f"{self.factors(over) or '1'}{BEFORE_FACTOR} / {below}"

    def apply(
        self, function: str, arguments: Iterable[sp.Expr], power: sp.Expr | None = None
    ) -> str:
        above = "" if power is None else self.exponent(power)
        return FUNCTIONS.get(function, function) + above + f"({', '.join(map(self, arguments))})"

    def root(self, expr: sp.Expr) -> tuple[str, int]:
        return "√" + self.print(expr, ATOM), POWER

    def exponent(self, number: sp.Expr) -> str:
        if number.is_Integer:
            return str(number).translate(RAISED)
        return f"^({number if number.is_Rational else self(number)})"


def lines(printer: Unicode, equations: Iterable[Equation], total: str, width: int) -> list[str]:
    """Equations with their signs of equality one below the other, where there is room for that."""
    return aligned([printer.sides(equation, total) for equation in equations], width)


def aligned(sides: list[tuple[str, str]], width: int) -> list[str]:
    """Left and right sides in the same way."""
    widest = max(columns(left) for left, _ in sides)
    result = []
    for left, right in sides:
        if widest > width / 3:
            result.append(left)
            start, indent = "  = ", 4
        else:
            start, indent = " " * (widest - columns(left)) + f"{left} = ", widest + 3
        room = width - indent
        (_, first), *others = fill(right, columns, room, room - 2)
        result.append(start + plain(first))
        result += [" " * (indent + 2 + 2 * depth) + plain(line) for depth, line in others]
    return result


def columns(text: str) -> int:
    """The width of a formula in columns of a terminal."""
    return sum(not unicodedata.combining(character) for character in plain(text))


# --- the rest ------------------------------------------------------------------------------------


def _quantities(cell: Cell, printer: Unicode) -> Table:
    """Input, states, parameters and output with their shapes."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2), pad_edge=True)
    for _ in range(3):
        grid.add_column(overflow="fold")
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    kinds = [("input", [cell.input]), ("states" if len(cell.states) > 1 else "state", cell.states)]
    for kind, quantities in [*kinds, ("parameters", cell.parameters), ("output", [cell.output])]:
        for quantity in quantities:
            groups[kind, shape(quantity.axes)].append(printer.symbol(quantity))
    last = ""
    for (kind, size), members in groups.items():
        grid.add_row("  " + (kind if kind != last else ""), ", ".join(members), size)
        last = kind
    starts: dict[str, list[str]] = defaultdict(list)
    for name, value in (*cell.starts.items(), *cell.initial.items()):
        starts[printer.number(sp.Float(value))].append(name)
    values = [f"{name} = {number}" for number, names in starts.items() for name in names]
    if values:
        grid.add_row("  at first", ", ".join(values), "")
    return grid
