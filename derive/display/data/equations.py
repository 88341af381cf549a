"""Equations as data: what each defines, its right side as a person writes it, and its LaTeX."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import Mean, Minimum, Textbook
from derive.display.formula import plain
from derive.display.latex.printer import Latex
from derive.elementwise import Elementwise
from derive.printing import ATOM, Infix

TOTAL = r"\textstyle \sum_t "


class Written(Infix):
    """Prints what a reader is shown as a person writes it: ``mean(v)``, ``minimum(a, b)``."""

    def dispatch(self, expr: sp.Expr) -> tuple[str, int]:
        if isinstance(expr, Mean):
            return f"mean({self(expr.args[0])})", ATOM
        return super().dispatch(expr)

    def function(self, expr: Elementwise) -> str:
        if isinstance(expr, Minimum):
            return f"minimum({', '.join(map(self, expr.args))})"
        return super().function(expr)


class Equations:
    """Writes the equations of a textbook."""

    def __init__(self, book: Textbook):
        self.names, self.written, self.latex = book.names, Written(book.rank), Latex(book)

    def __call__(self, equation: Equation, total: str = "") -> dict[str, str]:
        """One equation; `total` is the sign of a sum over its LaTeX."""
        left, right = self.latex.sides(equation, total)
        return {
            "defines": equation.lhs.name,
            "formula": self.formula(equation, equation.rhs),
            "latex": plain(f"{left} = {right}"),
        }

    def formula(self, equation: Equation, expr: sp.Expr) -> str:
        """A part of an equation's right side, in the order in which it was written."""
        derived = self.names[equation.lhs.name].bar
        return (self.written if derived else self.written.written_as(equation))(expr)

    def all(self, equations: Iterable[Equation], total: str = "") -> list[dict[str, str]]:
        return [self(equation, total) for equation in equations]


def sections(book: Textbook) -> dict[str, Any]:
    """All that is shown of a derivation, in the order of evaluation."""
    data = Equations(book)
    return {
        "forward": data.all(book.forward),
        "adjoints": data.all(book.adjoints),
        "back": data.all((*book.back, *book.inputs)),
        "gathered": data.all(book.parameters, TOTAL),
    }
