"""Expressions as mathematics, and long ones broken into lines.

`Mathematics` has the structure that LaTeX and a terminal share; each of them is a subclass that has
the symbols. `fill` breaks what is too wide where the printer has left a mark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import ClassVar, Self

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import Mean, Textbook, negative
from derive.display.meant import digits, in_meant_parts, meant
from derive.elementwise import Elementwise, absolute, cos, floor, sin, sqrt, tanh
from derive.nodes import FeatureSum, axes_of, own, symbols_of
from derive.printing import ATOM, POWER, PRODUCT, SUM, Infix, as_called, fraction

# Marks where a long line may be broken, before the operator that follows; see `fill`.
MARKS = BEFORE_TERM, BEFORE_FACTOR, BEFORE_OPERAND = "\ue000\ue001\ue002"


class Mathematics(Infix):
    """Prints an expression as mathematics; a subclass has the symbols.

    Scalars stand before vectors and without a sign, so that ∘ always stands between two vectors.
    """

    plus, minus, negation = BEFORE_TERM + " + ", BEFORE_TERM + " - ", "-"
    times = BEFORE_FACTOR + " ∘ "
    juxtaposed = " "
    applied = BEFORE_OPERAND + " "  # between a matrix and what it is applied to
    fences: ClassVar[dict[type, tuple[str, str]]] = {absolute: ("|", "|"), floor: ("⌊", "⌋")}

    def __init__(self, book: Textbook):
        super().__init__(book.rank)
        self.names = book.names

    def sides(self, equation: Equation, total: str = "") -> tuple[str, str]:
        """Both sides of an equation, the right one in the order in which it was written.

        `total` is the sign of a sum over it.
        """
        right = self.ordered(equation).print(equation.rhs, PRODUCT if total else SUM)
        return self.symbol(equation.lhs), total + right

    def terms(self, equation: Equation) -> list[sp.Expr]:
        """The terms of an equation's right side, in the order in which they are printed."""
        rhs = equation.rhs
        return self.ordered(equation).arranged(rhs) if isinstance(rhs, sp.Add) else [rhs]

    def ordered(self, equation: Equation) -> Self:
        """The printer for an equation: what was written keeps its order, what was derived has
        ours."""
        derived = self.names[equation.lhs.name].bar
        return self if derived else self.written_as(equation)

    def print(self, expr: sp.Expr, above: int) -> str:
        text, own = self.dispatch(expr)
        return self.bracket(text) if own < above else text

    def dispatch(self, expr: sp.Expr) -> tuple[str, int]:
        if isinstance(expr, Mean):
            return self.apply("mean", expr.args[:1], below=expr.args[1:]), ATOM
        if isinstance(expr, sqrt):
            return self.root(expr.args[0])
        if isinstance(expr, sp.Rational) and not expr.is_Integer:
            return self.product(expr)
        exact = meant(float(expr)) if expr.is_Float else None
        if exact is not None:
            return self.dispatch(exact)
        return super().dispatch(expr)

    def arranged(self, expr: sp.Add) -> list[sp.Expr]:
        """The terms of a sum, one without a minus first."""
        terms = self.sort(expr.args)
        terms.sort(key=lambda term: term.is_Float)  # 1 - z, but v + 0.001
        lead = next((term for term in terms if not negative(term)), terms[0])
        terms.remove(lead)
        return [lead, *terms]

    def sum(self, expr: sp.Add) -> str:
        lead, *terms = self.arranged(expr)
        text = self.print(lead, SUM)
        for term in terms:
            if negative(term):
                text += self.minus + self.print(-term, PRODUCT)
            else:
                text += self.plus + self.print(term, SUM)
        return text

    def product(self, expr: sp.Mul) -> tuple[str, int]:
        if negative(expr):
            return self.negation + self.print(-expr, PRODUCT), SUM
        over, under = fraction(in_meant_parts(expr))
        return (self.quotient_of(over, under) if under else self.factors(over)), PRODUCT

    def factors(self, parts: Iterable[sp.Expr]) -> str:
        """Numbers and scalars, then vectors; in what was derived, what is long comes last."""
        parts = self.sort(parts)
        if any(self.names[s.name].bar for part in parts for s in symbols_of(part)):
            parts.sort(key=lambda part: (part.has(FeatureSum), isinstance(part, sp.Add)))
        level = POWER if len(parts) > 1 else PRODUCT
        scalars = [self.print(part, level) for part in parts if not own(axes_of(part))]
        vectors = [part for part in parts if own(axes_of(part))]
        if any(len(own(axes_of(part))) > 1 for part in vectors):
            return self.juxtaposed.join([*scalars, self.scaled(vectors, level)])
        shown = [self.print(part, level) for part in vectors]
        return self.juxtaposed.join([*scalars, *([self.times.join(shown)] if shown else [])])

    def scaled(self, parts: list[sp.Expr], level: int) -> str:
        """Matrices, entry by entry, between the diagonals that scale their rows and columns."""
        matrices = [part for part in parts if len(own(axes_of(part))) > 1]
        rows, columns = own(axes_of(matrices[0]))
        diagonals = [[p for p in parts if own(axes_of(p)) == (axis,)] for axis in (rows, columns)]
        whole = self.times.join(self.print(part, level) for part in matrices)
        if len(matrices) > 1 and any(diagonals):
            whole = self.bracket(whole)
        left, right = ([self.apply("diag", [sp.Mul(*d)])] if d else [] for d in diagonals)
        return self.applied.join([*left, whole, *right])

    def quotient_of(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        """Factors above and below the bar."""
        return self.quotient(self.factors(over) or "1", under)

    def power(self, expr: sp.Pow) -> tuple[str, int]:
        base, exponent = expr.args
        if isinstance(base, sqrt):
            return self.dispatch(base.args[0] ** (exponent / 2))
        if exponent.is_negative:
            return self.quotient_of([], [base**-exponent]), PRODUCT
        if exponent == sp.Rational(1, 2):
            return self.root(base)
        if isinstance(base, tanh | sin | cos):
            return self.apply(type(base).__name__, base.args, exponent), ATOM
        return self.print(base, ATOM) + self.exponent(exponent), POWER

    def function(self, expr: Elementwise) -> str:
        if type(expr) in self.fences:
            return self.fenced(expr.args[0], *self.fences[type(expr)])
        return self.apply(*as_called(expr))

    def fenced(self, expr: sp.Expr, opening: str, closing: str) -> str:
        """An expression between two signs."""
        return f"{opening}{self(expr)}{closing}"

    def feature_sum(self, whole: sp.Expr, *sizes: sp.Expr) -> str:
        return self.apply("sum", [whole], below=sizes)

    def largest(self, vector: sp.Expr) -> str:
        return self.apply("maximum", [vector])

    def bracket(self, text: str) -> str:
        return f"({text})"

    def apply(
        self,
        function: str,
        arguments: Iterable[sp.Expr],
        power: sp.Expr | None = None,
        below: Iterable[sp.Symbol] = (),
    ) -> str:
        """A function of arguments, to a power if one is given; `below` it, the axes that it runs
        over."""
        raise NotImplementedError

    def number(self, number: sp.Number) -> str:
        """A number as it was meant: what rounding adds does not show."""
        return super().number(number) if number.is_Integer else digits(float(number))

    def root(self, expr: sp.Expr) -> tuple[str, int]:
        """The square root, and how tightly its parts hold together."""
        raise NotImplementedError

    def exponent(self, number: sp.Expr) -> str:
        """A number as an exponent."""
        raise NotImplementedError


class Stacked(Mathematics):
    """Mathematics whose fractions have their parts above each other."""

    def quotient_of(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        numbers = [factor for factor in over if factor.is_number]
        others = [factor for factor in over if not factor.is_number]
        if others and not any(symbols_of(factor) for factor in under):
            return self.fraction(numbers, under) + self.juxtaposed + self.factors(others)
        return self.fraction(over, under)

    def fraction(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        """Factors above each other; nothing above is 1."""
        raise NotImplementedError


def fill(
    text: str,
    width: Callable[[str], float],
    first: float,
    rest: float,
    indent: float = 1,
    depth: int = 0,
) -> list[tuple[int, str]]:
    """A text as lines that are no wider than `first` and then `rest`, where its marks allow it.

    It is broken where it is least nested, and between terms rather than between factors. With each
    line comes its depth: how many times to `indent` it, so that what belongs together is seen to.
    """
    marks = list(_marks(text))
    if width(text) <= first or not marks:
        return [(depth, text.lstrip(" ".join(MARKS)))]
    least = min(level for _, level in marks)
    cuts = [0, *(place for place, level in marks if level == least), len(text)]
    rows: list[str] = [""]
    for start, end in pairwise(cuts):
        piece = text[start:end]
        if rows[-1] and width(rows[-1] + piece) > (first if len(rows) == 1 else rest):
            rows.append("")
        rows[-1] += piece
    lines: list[tuple[int, str]] = []
    for row in rows:
        head, *tail = fill(row, width, rest if lines else first, rest - indent, indent, depth + 1)
        lines += [(depth, head[1]), *tail]
    return lines


def _marks(text: str) -> Iterator[tuple[int, int]]:
    """The places of the marks, each with a level that grows with its depth in brackets."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "({[") - (character in ")}]")
        if character in MARKS and place:
            yield place, len(MARKS) * depth + MARKS.index(character)


def plain(text: str) -> str:
    """A text without its marks."""
    return "".join(character for character in text if character not in MARKS)
