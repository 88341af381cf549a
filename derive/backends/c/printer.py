"""Expressions as C writes them."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from derive.backends.printer import PlacedPrinter
from derive.elementwise import Elementwise
from derive.nodes import Quantity, Size
from derive.printing import ATOM, PRODUCT, shortest

# Functions of the language, by way of a macro that names the one of the right type; functions of
# the generated file whose name would be the language's; all others have their own name.
LANGUAGE = {
    **{name: name for name in "expm1 log log1p sqrt sin cos floor".split()},
    "absolute": "fabs",
}
OWN = {"exp": "r_exp", "tanh": "r_tanh", "step": "unit_step"}
# What functions of the generated file rest on, and which do.
PARTS = {
    "machine": frozenset("sigmoid tanh exp softplus log_sigmoid".split()),
    "exp_below_one": frozenset("sigmoid softplus log_sigmoid".split()),
    "log1p_below_one": frozenset("softplus log_sigmoid".split()),
}


class CPrinter(PlacedPrinter):
    """Prints elementwise expressions on the numbers that `place` names."""

    def power(self, expr):
        base, exponent = expr.args
        if exponent.is_negative:
            return self.quotient("1", [base ** (-exponent)]), PRODUCT
        if exponent.is_Integer and exponent <= 3 and not base.args:  # exact, and faster
            return " * ".join([self.print(base, ATOM)] * int(exponent)), PRODUCT
        return f"{language('pow')}({self(base)}, {self(exponent)})", ATOM

    def quotient(self, over, under):
        under = self.sort(under)
        if over.isdigit() and isinstance(under[0], sp.Number):
            over = f"(real){over}"  # two whole numbers would be divided without a rest
        return super().quotient(over, under)

    def number(self, number):
        return literal(float(number))

    def symbol(self, symbol):
        text = super().symbol(symbol)
        return f"(real){text}" if isinstance(symbol, Size) else text

    def function(self, expr):
        return f"{called(expr.func.__name__)}({', '.join(map(self, expr.args))})"


def literal(value: float) -> str:
    """A number of the type that is generated for: whole ones need no word for it."""
    text = shortest(value)
    return text if value.is_integer() and abs(value) < 2**24 else f"(real){text}"


def language(function: str) -> str:
    """A function of the language, of the type that is generated for."""
    return f"F({function})"


def called(function: str) -> str:
    """What a function is called in a generated file."""
    if function in LANGUAGE:
        return language(LANGUAGE[function])
    return OWN.get(function, function)


def helpers(expressions: Iterable[sp.Expr]) -> set[str]:
    """The functions that a file has to bring along, since the language has none."""
    return {
        type(f).__name__ for expr in expressions for f in expr.atoms(Elementwise)
    } - LANGUAGE.keys()


def panels(rows: str, columns: str) -> str:
    """How many numbers a packed matrix has."""
    return f"packed_size({rows}, {columns})"


def as_real(place: Quantity) -> str:
    """A row or a column as a number."""
    return f"(real){place}"


def behind_prepared(place: str) -> str:
    """A place behind a pointer that may be NULL."""
    return f"prepared ? {place} : NULL"
