"""Expressions as JavaScript writes them, and entries of flat arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sympy as sp

from derive.backends.printer import PlacedPrinter
from derive.elementwise import Elementwise
from derive.printing import ATOM, POWER, PRODUCT, SUM

# What the language has. The others are functions of the generated module.
MATH = {
    **{name: f"Math.{name}" for name in "tanh exp expm1 log log1p sqrt sin cos sign floor".split()},
    "absolute": "Math.abs",
    "maximum": "Math.max",
}
OWN = {"step": "unitStep", "log_sigmoid": "logSigmoid"}  # `step` is one step of the cell


class JavaScriptPrinter(PlacedPrinter):
    """Prints elementwise expressions on the numbers that `place` names."""

    def product(self, expr):
        if not expr.could_extract_minus_sign() or " ** " not in self(-expr):
            return super().product(expr)
        return f"-({self(-expr)})", SUM  # the language has no minus before a power

    def power(self, expr):
        base, exponent = expr.args
        if exponent.is_negative:
            return self.quotient("1", [base ** (-exponent)]), PRODUCT
        text = self.print(base, ATOM)
        if exponent == 2 and not base.args:  # a square is exact as a product, and faster
            return f"{text} * {text}", PRODUCT
        return f"{text} ** {self.print(exponent, ATOM)}", POWER

    def number(self, number):
        return shortest(number)

    def function(self, expr):
        return f"{called(expr.func.__name__)}({', '.join(map(self, expr.args))})"


def shortest(number: float) -> str:
    """A number as the language itself would write it."""
    if float(number).is_integer() and abs(number) < 2**53:
        return str(int(number))
    return re.sub(r"e([+-])0*", lambda e: "e-" if e[1] == "-" else "e", repr(float(number)))


def called(function: str) -> str:
    """What a function is called in a generated module."""
    return MATH.get(function) or OWN.get(function, function)


def helpers(expressions: Iterable[sp.Expr]) -> set[str]:
    """The functions that a module has to bring along, since the language has none."""
    return {type(f).__name__ for expr in expressions for f in expr.atoms(Elementwise)} - MATH.keys()


def of_sizes(argument: str) -> str:
    """A size as `init` is given it."""
    return f"sizes.{argument}"
