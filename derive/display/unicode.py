"""Mathematics in plain text, for terminals and for whatever has no formulas of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import Name
from derive.display.formula import (
    BEFORE_FACTOR,
    BEFORE_OPERAND,
    BEFORE_TERM,
    Mathematics,
    fill,
    plain,
)
from derive.nodes import Quantity
from derive.printing import ATOM, POWER

BAR, LINE = "\N{COMBINING MACRON}", "\N{COMBINING OVERLINE}"
FUNCTIONS = {
    "sigmoid": "σ",
    "log_sigmoid": "log σ",
    "stop_gradient": "sg",
    "maximum": "max",
    "Minimum": "min",
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Unicode(Mathematics):
    """Mathematics in Unicode, in the person's own names."""

    plus, minus, negation = BEFORE_TERM + " + ", BEFORE_TERM + " − ", "−"
    times, juxtaposed = BEFORE_FACTOR + " ∘ ", "·"

    def symbol(self, symbol: sp.Symbol) -> str:
        return self.named(self.names[symbol.name]) if isinstance(symbol, Quantity) else symbol.name

    def named(self, name: Name) -> str:
        """A name with its bar and its prime: c̄′."""
        word = barred(name.word) if name.bar else name.word
        return word + "′" * name.new + (f"[{name.part}]" if name.part in ("loss", "next") else "")

    def number(self, number: sp.Number) -> str:
        if isinstance(number, sp.NumberSymbol):
            return {sp.pi: "π", sp.E: "e"}.get(number) or super().number(number)
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
        self,
        function: str,
        arguments: Iterable[sp.Expr],
        power: sp.Expr | None = None,
        below: Iterable[sp.Symbol] = (),
    ) -> str:
        above = "" if power is None else self.exponent(power)
        along = self.subscript(",".join(map(self.symbol, below)))
        inside = ", ".join(map(self, arguments))
        return f"{FUNCTIONS.get(function, function)}{along}{above}({inside})"

    def subscript(self, text: str) -> str:
        """What a function runs over."""
        return f"_{text}" if text else ""

    def root(self, expr: sp.Expr) -> tuple[str, int]:
        return "√" + self.print(expr, ATOM), POWER

    def exponent(self, number: sp.Expr) -> str:
        if number.is_Integer:
            return str(number).translate(RAISED)
        return f"^({number if number.is_Rational else self(number)})"


def barred(name: str) -> str:
    """A name with a bar over what comes before its index: over a letter, or all along a word."""
    stem, underscore, index = name.partition("_")
    over = stem + BAR if len(stem) == 1 else "".join(letter + LINE for letter in stem)
    return over + underscore + index


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
        (_, first), *others = fill(right, columns, room, room - 2, indent=2)
        result.append(start + plain(first))
        result += [" " * (indent + 2 + 2 * depth) + plain(line) for depth, line in others]
    return result


def columns(text: str) -> int:
    """The width of a formula in columns of a terminal."""
    return sum(not unicodedata.combining(character) for character in plain(text))
