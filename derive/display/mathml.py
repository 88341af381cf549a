"""Equations as MathML, which browsers show without any script.

Every quantity in a formula says which one it is, in ``data-q``, so that a page can light it there,
in the picture and in the code at once; an adjoint also has ``data-bar``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape, unescape
from re import sub

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import Name, Textbook
from derive.display.diagram.label import letters
from derive.display.formula import (
    BEFORE_FACTOR,
    BEFORE_OPERAND,
    BEFORE_TERM,
    Mathematics,
    fill,
    plain,
)
from derive.display.latex.printer import stems
from derive.elementwise import absolute, cos, sin, sqrt, tanh
from derive.nodes import Quantity
from derive.printing import ATOM, POWER

FUNCTIONS = {"sigmoid": "σ", "maximum": "max", "Minimum": "min"}
WIDE = 62  # characters; a longer line is broken


@dataclass(frozen=True)
class Row:
    """An equation: the quantity that it defines, its left side, and its right side in lines, each
    with its depth."""

    name: str
    is_adjoint: bool
    left: str
    right: tuple[tuple[int, str], ...]


class MathML(Mathematics):
    """Prints an expression as the inside of a ``math`` element."""

    plus, minus = f"{BEFORE_TERM}<mo>+</mo>", f"{BEFORE_TERM}<mo>−</mo>"
    negation = '<mo form="prefix">−</mo>'
    times, juxtaposed = f"{BEFORE_FACTOR}<mo>∘</mo>", "<mo>⁢</mo>"

    def __init__(self, book: Textbook):
        super().__init__(book)
        self.stems = stems(book.names.values())
        self.bases = _bases(book)

    def row(self, equation: Equation, total: str = "") -> Row:
        """An equation for a page; `total` is the sign of a sum over it."""
        left, right = self.sides(equation, total)
        name = self.names[equation.lhs.name]
        lines = fill(right, _columns, WIDE, WIDE - 4)
        base = self.bases[equation.lhs.name]
        return Row(base, name.bar, left, tuple((depth, plain(line)) for depth, line in lines))

    def formula(self, expr: sp.Expr) -> Row:
        """A formula without a name."""
        lines = fill(self(expr), _columns, WIDE, WIDE - 4)
        return Row("", False, "", tuple((depth, plain(line)) for depth, line in lines))

    def symbol(self, symbol: sp.Symbol) -> str:
        if isinstance(symbol, Quantity):
            return self.named(self.names[symbol.name], self.bases[symbol.name])
        return f"<mi>{escape(symbol.name)}</mi>"

    def named(self, name: Name, base: str) -> str:
        """A quantity's symbol: its bar, its subscripts, its step, and which part of it."""
        stem, *subscripts = map(letters, self.stems[name.word])
        body = _word(stem)
        if name.bar:
            body = f'<mover>{body}<mo stretchy="false">‾</mo></mover>'
        below = [_word(part) for part in subscripts]
        if name.step:
            below.append(_step(name.step))
        above = {"loss": "<mtext>loss</mtext>", "next": "<mtext>next</mtext>"}.get(name.part, "")
        marks = f' data-q="{escape(base)}"' + (' data-bar=""' if name.bar else "")
        if above:
            marks += f' data-part="{name.part}"'
        inside = "<mo>,</mo>".join(below)
        if below and above:
            return f"<msubsup{marks}>{body}<mrow>{inside}</mrow>{above}</msubsup>"
        if below:
            return f"<msub{marks}>{body}<mrow>{inside}</mrow></msub>"
        return f"<mrow{marks}>{body}</mrow>"

    def number(self, number: sp.Number) -> str:
        mantissa, _, exponent = super().number(number).replace("-", "−").partition("e")
        if not exponent:
            return f"<mn>{mantissa}</mn>"
        small = exponent.removeprefix("+").replace("−0", "−")
        times = "" if mantissa == "1" else f"<mn>{mantissa}</mn><mo>·</mo>"
        return f"{times}<msup><mn>10</mn><mn>{small}</mn></msup>"

    def matvec(self, matrix: sp.Expr, vector: sp.Expr) -> str:
        left, right = self.print(matrix, ATOM), self.print(vector, ATOM)
        return f"{left}{BEFORE_OPERAND}<mo>⁢</mo>{right}"

    def outer(self, left: sp.Expr, right: sp.Expr) -> str:
        return f"{self.print(left, ATOM)}{BEFORE_OPERAND}<mo>⁢</mo>{self.transposed(right)}"

    def transposed(self, matrix: sp.Expr) -> str:
        return f"<msup><mrow>{plain(self.print(matrix, ATOM))}</mrow><mi>T</mi></msup>"

    def quotient_of(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        above, below = (
            self(part[0]) if len(part) == 1 else self.factors(part) for part in (over, under)
        )
        above = above or "<mn>1</mn>"
        return f"<mfrac><mrow>{plain(above)}</mrow><mrow>{plain(below)}</mrow></mfrac>"

    def apply(
        self, function: str, arguments: Iterable[sp.Expr], power: sp.Expr | None = None
    ) -> str:
        word = f"<mi>{FUNCTIONS.get(function, function)}</mi>"
        if power is not None:
            word = f"<msup>{word}{self.exponent(power)}</msup>"
        return f"{word}<mo>⁡</mo>{self.bracket('<mo>,</mo>'.join(map(self, arguments)))}"

    def bracket(self, text: str) -> str:
        return f"<mo>(</mo>{text}<mo>)</mo>"

    def function(self, expr: sp.Expr) -> str:
        if isinstance(expr, absolute):
            inner = plain(self(expr.args[0]))
            return f"<mrow><mo>|</mo>{inner}<mo>|</mo></mrow>"
        return super().function(expr)

    def root(self, expr: sp.Expr) -> tuple[str, int]:
        return f"<msqrt>{plain(self(expr))}</msqrt>", ATOM

    def power(self, expr: sp.Pow) -> tuple[str, int]:
        base, exponent = expr.args
        is_plain = exponent.is_positive and exponent != sp.Rational(1, 2)
        if isinstance(base, sqrt | tanh | sin | cos) or not is_plain:
            return super().power(expr)
        inside = plain(self.print(base, ATOM))
        return f"<msup><mrow>{inside}</mrow>{self.exponent(exponent)}</msup>", POWER

    def exponent(self, number: sp.Expr) -> str:
        return f"<mrow>{plain(self(number))}</mrow>"


def _bases(book: Textbook) -> dict[str, str]:
    """For each name, that of the quantity that it is, or is the adjoint of."""
    plain_names = {(n.word, n.step, n.new): name for name, n in book.names.items() if not n.bar}
    return {
        name: plain_names.get((n.word, n.step, n.new), name) if n.bar else name
        for name, n in book.names.items()
    }


def _word(text: str) -> str:
    """A letter, which is italic, or a word, which is not."""
    if text.isdigit():
        return f"<mn>{text}</mn>"
    upright = ' mathvariant="normal"' if len(text) > 1 else ""
    return f"<mi{upright}>{escape(text)}</mi>"


def _step(step: str) -> str:
    letter, _, back = step.partition("-")
    return f"<mi>{letter}</mi>" + (f"<mo>−</mo><mn>{back}</mn>" if back else "")


def _columns(text: str) -> int:
    """About how wide a formula is, in characters."""
    return len(unescape(sub(r"<[^>]*>|⁢|⁡", "", plain(text))))
