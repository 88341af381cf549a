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
from derive.display.formula import (
    BEFORE_FACTOR,
    BEFORE_OPERAND,
    BEFORE_TERM,
    Stacked,
    fill,
    plain,
)
from derive.display.letters import Lettered
from derive.display.unicode import FUNCTIONS
from derive.elementwise import cos, sin, sqrt, tanh
from derive.nodes import Quantity
from derive.printing import ATOM, POWER

TALL = "<mfrac", "<msqrt"  # what brackets grow around
WIDE = 54  # characters; a longer line is broken
NARROW = 32  # what is wider is not stacked, since it could not be broken


@dataclass(frozen=True)
class Row:
    """An equation: the quantity that it defines, its left side, and its right side in lines, each
    with its depth."""

    name: str
    is_adjoint: bool
    left: str
    right: tuple[tuple[int, str], ...]


class MathML(Lettered, Stacked):
    """Prints an expression as the inside of a ``math`` element."""

    # Each operator says its form, since a line may begin or end with any of them.
    plus, minus = (f'{BEFORE_TERM}<mo form="infix">{sign}</mo>' for sign in "+−")
    greater = '<mo form="infix">&gt;</mo>'
    negation = '<mo form="prefix">−</mo>'
    times = f'{BEFORE_FACTOR}<mo form="infix">∘</mo>'
    juxtaposed = '<mo>⁢</mo><mspace width="0.17em"/>'
    applied = f"{BEFORE_OPERAND}<mo>⁢</mo>"

    def __init__(self, book: Textbook):
        super().__init__(book)
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
        stem, *subscripts = self.stems[name.word]
        body = _word(stem)
        if name.bar:
            stretchy = "true" if len(stem) > 1 else "false"  # all along a word
            body = f'<mover>{body}<mo stretchy="{stretchy}">‾</mo></mover>'
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
        if isinstance(number, sp.NumberSymbol):
            symbol = {sp.pi: "π", sp.E: "e"}.get(number)
            return f"<mi>{symbol}</mi>" if symbol else f"<mn>{super().number(number)}</mn>"
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
        return f"<msup><mrow>{plain(self.print(matrix, ATOM))}</mrow><mi>⊤</mi></msup>"

    def fraction(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        above, below = (
            self(part[0]) if len(part) == 1 else self.factors(part) or "<mn>1</mn>"
            for part in (over, under)
        )
        if max(_columns(above), _columns(below)) < NARROW:
            return f"<mfrac><mrow>{plain(above)}</mrow><mrow>{plain(below)}</mrow></mfrac>"
        numerator = self.factors(over) or "<mn>1</mn>"
        return f"{numerator}{BEFORE_FACTOR}<mo>/</mo>{self.bracket(below)}"

    def apply(
        self,
        function: str,
        arguments: Iterable[sp.Expr],
        power: sp.Expr | None = None,
        below: Iterable[sp.Symbol] = (),
    ) -> str:
        word = f"<mi>{FUNCTIONS.get(function, function)}</mi>"
        if along := "<mo>,</mo>".join(map(self.symbol, below)):
            word = f"<msub>{word}<mrow>{along}</mrow></msub>"
        if power is not None:
            word = f"<msup>{word}{self.exponent(power)}</msup>"
        return f"{word}<mo>⁡</mo>{self.bracket('<mo>,</mo>'.join(map(self, arguments)))}"

    def bracket(self, text: str) -> str:
        grows = "" if any(tag in text for tag in TALL) else ' stretchy="false"'
        return f'<mo form="prefix"{grows}>(</mo>{text}<mo form="postfix"{grows}>)</mo>'

    def fenced(self, expr: sp.Expr, opening: str, closing: str) -> str:
        return f"<mrow><mo>{opening}</mo>{plain(self(expr))}<mo>{closing}</mo></mrow>"

    def root(self, expr: sp.Expr) -> tuple[str, int]:
        inner = self(expr)
        if _columns(inner) < NARROW:
            return f"<msqrt>{plain(inner)}</msqrt>", ATOM
        opening, closing = self.bracket("\n").split("\n")
        half = self.exponent(sp.Rational(1, 2))
        return f"{opening}{inner}<msup>{closing}{half}</msup>", POWER

    def power(self, expr: sp.Pow) -> tuple[str, int]:
        base, exponent = expr.args
        is_plain = exponent.is_positive and exponent != sp.Rational(1, 2)
        if isinstance(base, sqrt | tanh | sin | cos) or not is_plain:
            return super().power(expr)
        inside = plain(self.print(base, ATOM))
        return f"<msup><mrow>{inside}</mrow>{self.exponent(exponent)}</msup>", POWER

    def exponent(self, number: sp.Expr) -> str:
        if isinstance(number, sp.Rational):
            parts = (f"<mn>{part}</mn>" for part in str(number).split("/"))
            return "<mrow>" + '<mo lspace="0" rspace="0">/</mo>'.join(parts) + "</mrow>"
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
