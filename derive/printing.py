"""Expressions as text, in an order of our own.

SymPy keeps no order of terms and factors that a reader would recognise. `Infix` puts them in the
order in which an equation was written, and what was derived in the order of definition. Targets
differ in symbols, not in structure: each is a subclass that says how it writes a product, a
function or a transposed matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Self

import sympy as sp

from derive.cell import Equation
from derive.deviation import Composed
from derive.elementwise import Elementwise, choose
from derive.largest import Largest
from derive.names import ranks
from derive.nodes import (
    FeatureSum,
    MatVec,
    Outer,
    Quantity,
    Size,
    Transposed,
    symbols_of,
)

SUM, PRODUCT, POWER, ATOM = range(4)


class Infix:
    """Prints an expression the way a cell's file has it: ``f * c + i * g``, ``W @ x``.

    `rank` gives each quantity's place in the order of terms and factors.
    """

    times = " * "
    plus, minus, greater = " + ", " - ", " > "

    def __init__(self, rank: Mapping[str, int] | None = None):
        self.rank = rank or {}

    def written_as(self, equation: Equation) -> Self:
        """The same printer, for the right-hand side of an equation whose written order is known."""
        printer, count = copy(self), len(equation.order)
        printer.rank = {
            **self.rank,
            **{name: n - count for name, n in ranks(equation.order).items()},
        }
        return printer

    def __call__(self, expr: sp.Expr) -> str:
        return self.print(expr, SUM)

    # structure

    def print(self, expr: sp.Expr, above: int) -> str:
        """The expression, in brackets where what stands around it binds tighter."""
        text, own = self.dispatch(expr)
        return f"({text})" if own < above else text

    def dispatch(self, expr: sp.Expr) -> tuple[str, int]:
        if isinstance(expr, sp.Add):
            return self.sum(expr), SUM
        if isinstance(expr, sp.Mul):
            return self.product(expr)
        if isinstance(expr, sp.Pow):
            return self.power(expr)
        if isinstance(expr, sp.Number | sp.NumberSymbol):
            return self.number(expr), (ATOM if expr >= 0 else SUM)
        if isinstance(expr, MatVec):
            return self.matvec(*expr.args), PRODUCT
        if isinstance(expr, Outer):
            return self.outer(*expr.args), PRODUCT
        if isinstance(expr, Transposed):
            return self.transposed(expr.args[0]), ATOM
        if isinstance(expr, FeatureSum):
            return self.feature_sum(*expr.args), ATOM
        if isinstance(expr, Largest):
            return self.largest(expr.args[0]), ATOM
        if isinstance(expr, Composed):
            return self.dispatch(expr.formula())
        if isinstance(expr, Greater):
            return self.comparison(expr), SUM
        if isinstance(expr, Elementwise):
            return self.function(expr), ATOM
        if isinstance(expr, Quantity | Size):
            return self.symbol(expr), ATOM
        raise TypeError(f"no way to print {type(expr).__name__}")

    def sum(self, expr: sp.Add) -> str:
        (_, lead), *others = self.terms(expr)
        text = self.print(lead, SUM)
        for is_less, term in others:
            text += (self.minus if is_less else self.plus) + self.print(term, SUM + is_less)
        return text

    def terms(self, expr: sp.Add) -> list[tuple[bool, sp.Expr]]:
        """The terms of a sum in this printer's order, and whether each is taken away; the first of
        them is one that is not, or is printed with its sign."""
        terms = self.sort(expr.args)
        lead = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
        terms.remove(lead)
        signs = ((t.could_extract_minus_sign(), t) for t in terms)
        return [(False, lead), *((is_less, -t if is_less else t) for is_less, t in signs)]

    def product(self, expr: sp.Mul) -> tuple[str, int]:
        if expr.could_extract_minus_sign():
            return "-" + self.print(-expr, ATOM if isinstance(-expr, sp.Pow) else PRODUCT), SUM
        over, under = fraction(expr)
        text = (
            self.times.join(self.print(f, PRODUCT + isinstance(f, MatVec)) for f in self.sort(over))
            or "1"
        )
        return (self.quotient(text, under) if under else text), PRODUCT

    def quotient(self, over: str, under: Iterable[sp.Expr]) -> str:
        for factor in self.sort(under):
            over += f" / {self.print(factor, POWER)}"
        return over

    def power(self, expr: sp.Pow) -> tuple[str, int]:
        base, exponent = expr.args
        if exponent == -1:
            return self.quotient("1", [base]), PRODUCT
        return f"{self.print(base, ATOM)}**{self.print(exponent, ATOM)}", POWER

    def sort(self, parts: Iterable[sp.Expr]) -> list[sp.Expr]:
        """Terms or factors in this printer's order; where that leaves a choice, by their text."""
        parts = list(parts)
        keys = {part: self.order(part) for part in parts}
        if len(set(keys.values())) < len(keys):
            keys = {part: (*key, str(part)) for part, key in keys.items()}
        return sorted(parts, key=keys.__getitem__)

    def order(self, part: sp.Expr) -> tuple:
        """Numbers first, then by the ranks of the quantities in a part."""
        ranks = sorted(self.rank.get(s.name, len(self.rank)) for s in symbols_of(part))
        return bool(ranks), tuple(ranks)

    # symbols

    def symbol(self, symbol: sp.Symbol) -> str:
        return symbol.name

    def number(self, number: sp.Number) -> str:
        return str(int(number)) if number.is_Integer else repr(float(number))

    def matvec(self, matrix: sp.Expr, vector: sp.Expr) -> str:
        return f"{self.print(matrix, ATOM)} @ {self.print(vector, ATOM)}"

    def outer(self, left: sp.Expr, right: sp.Expr) -> str:
        return f"outer({self(left)}, {self(right)})"

    def transposed(self, matrix: sp.Expr) -> str:
        return f"{self.print(matrix, ATOM)}.T"

    def feature_sum(self, whole: sp.Expr, *sizes: sp.Expr) -> str:
        return f"sum({', '.join(map(self, (whole, *sizes)))})"

    def largest(self, vector: sp.Expr) -> str:
        return f"largest({self(vector)})"

    def function(self, expr: Elementwise) -> str:
        name, arguments = as_called(expr)
        return f"{name}({', '.join(map(self, arguments))})"

    def comparison(self, expr: Greater) -> str:
        return self.greater.join(map(self, expr.args))


class Greater(Elementwise):
    """For display: the comparison a > b."""

    nargs = 2


def as_called(expr: Elementwise) -> tuple[str, tuple[sp.Expr, ...]]:
    """A function's name and arguments as a person writes them: ``where(a > b, p, q)``."""
    if not isinstance(expr, choose):
        return expr.func.__name__, expr.args
    difference, *values = expr.args
    less = [-t for t in sp.Add.make_args(difference) if t.could_extract_minus_sign()]
    return "where", (Greater(sp.Add(difference, *less), sp.Add(*less)), *values)


def fraction(expr: sp.Expr) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """The factors above and below the bar, a number among those above unless it is 1."""
    over, under = [], []
    for factor in sp.Mul.make_args(expr):
        if isinstance(factor, sp.Rational) and factor.q != 1:
            over += [sp.Integer(factor.p)] * (factor.p != 1)
            under.append(sp.Integer(factor.q))
        elif isinstance(factor, sp.Pow) and factor.exp.is_number and factor.exp.is_negative:
            under.append(factor.base ** (-factor.exp))
        else:
            over.append(factor)
    return over, under


def shortest(value: float) -> str:
    """A number with all its digits, and no more: 1, 0.1, 1.7320508075688772, -1e+30."""
    text = f"{value:g}"
    return text if float(text) == value else repr(float(value))
