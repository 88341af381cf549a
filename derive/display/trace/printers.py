"""Formulas with values in the place of their quantities: ``1·1 + 2·(−1) + 0``.

`PutIn` has what all formats share: a number that is negative stands in brackets where anything
stands before it, and the product of a matrix and a vector is shown as its result, since the numbers
of both would fill a page; where it is the product of two numbers these are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy

import sympy as sp

from derive.display.derivation import Mean, Minimum, Textbook
from derive.display.formula import BEFORE_FACTOR, BEFORE_OPERAND, Mathematics
from derive.display.latex.printer import Latex
from derive.display.trace.numbers import LONGEST, Array, digits_of, entries, figure
from derive.display.unicode import Unicode
from derive.elementwise import maximum
from derive.nodes import FeatureSum, MatVec, Outer, Quantity, Size, Transposed, count
from derive.printing import ATOM, POWER, PRODUCT, SUM

Value = Callable[[sp.Expr], Array]  # an expression's value, in its own shape
NEGATIVE = SUM - 1  # binds less than anything


def computable(expr: sp.Expr) -> sp.Expr:
    """What `derivation.readable` has made for a reader, in words that have a value."""
    if not expr.args:
        return expr
    parts = [computable(part) for part in expr.args]
    if isinstance(expr, Mean):
        return FeatureSum(*parts) / count(expr.summed)
    if isinstance(expr, Minimum):
        return -maximum(*(-part for part in parts))
    return expr.func(*parts)


def is_negative(array: Array) -> bool:
    """Whether a value is a single number with a minus."""
    return bool(array.size == 1 and float(array.ravel()[0]) < 0)


class PutIn(Mathematics):
    """Prints an expression with the values of what it names. A subclass is of a format, too."""

    dot, circle, total, ellipsis = "·", " ∘ ", "Σ ", "…"

    def __init__(self, book: Textbook, value: Value):
        super().__init__(book)
        self.value = value

    def __call__(self, expr: sp.Expr) -> str:
        return self.dispatch(expr)[0]  # nothing stands before it

    def dispatch(self, expr: sp.Expr) -> tuple[str, int]:
        if isinstance(expr, Quantity | Size):
            return self.shown(expr)
        if isinstance(expr, MatVec | Outer):
            return self.multiplied(expr, *expr.args)
        if isinstance(expr, Transposed):
            return self.dispatch(expr.args[0]) if self.is_one(expr) else self.shown(expr)
        return super().dispatch(expr)

    def multiplied(self, whole: sp.Expr, left: sp.Expr, right: sp.Expr) -> tuple[str, int]:
        """A product that is not elementwise: of two numbers, or what it is."""
        if not (self.is_one(left) and self.is_one(right)):
            return self.shown(whole)
        dot = BEFORE_FACTOR + self.dot
        return f"{self.print(left, PRODUCT)}{dot}{self.print(right, POWER)}", PRODUCT

    def factors(self, parts: Iterable[sp.Expr]) -> str:
        """Between numbers stands a dot, whatever shapes they stand for."""
        parts, printer = list(parts), copy(self)
        printer.times = BEFORE_FACTOR + (self.dot if all(map(self.is_one, parts)) else self.circle)
        return super(PutIn, printer).factors(parts)

    def shown(self, expr: sp.Expr) -> tuple[str, int]:
        array = self.value(computable(expr))
        return self.array(array), NEGATIVE if is_negative(array) else ATOM

    def is_one(self, expr: sp.Expr) -> bool:
        """Whether an expression is a single number, whatever its shape."""
        return bool(self.value(computable(expr)).size == 1)

    def sum_of(self, arrays: Sequence[Array]) -> str:
        """The values written as a sum, the first and the last of them where there are many."""
        first, *others = arrays
        texts = [self.array(first), *map(self.operand, others)]
        if len(texts) > LONGEST:
            texts = [*texts[: LONGEST - 1], self.ellipsis, texts[-1]]
        return self.plus.join(texts)

    def operand(self, array: Array) -> str:
        """A value that something stands before."""
        return self.bracket(self.array(array)) if is_negative(array) else self.array(array)

    def array(self, array: Array) -> str:
        """A value of any shape."""
        if array.size == 1:
            return self.figure(float(array.ravel()[0]))
        return self.nested(array, digits_of(array))

    def nested(self, array: Array, digits: int) -> str:
        """A vector, or a matrix as its rows. It may be broken between entries, or between rows."""
        if array.ndim == 0:
            return self.figure(float(array), digits)
        shown = [self.ellipsis if a is None else self.nested(a, digits) for a in entries(array)]
        return f"[{f',{BEFORE_OPERAND} '.join(shown)}]"

    def figure(self, x: float, digits: int = 6) -> str:
        return figure(x, digits)


class UnicodePutIn(PutIn, Unicode):
    """With values, in Unicode."""

    juxtaposed = BEFORE_FACTOR + "·"


class LatexPutIn(PutIn, Latex):
    """With values, in LaTeX."""

    dot, circle, total, ellipsis = r" \cdot ", r" \circ ", r"\textstyle \sum_t ", r"\ldots"
    juxtaposed = dot

    def figure(self, x: float, digits: int = 6) -> str:
        text = figure(x, digits).replace("−", "-").replace("∞", r"\infty")
        mantissa, e, exponent = text.partition("e")
        if e:
            return rf"{mantissa} \cdot 10^{{{exponent}}}"
        return r"\mathrm{NaN}" if text == "NaN" else text
