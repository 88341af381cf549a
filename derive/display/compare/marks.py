"""Formulas whose changed terms are marked, whatever the words they are printed in."""

from __future__ import annotations

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import negative
from derive.display.formula import Mathematics
from derive.printing import PRODUCT, SUM

START, END = "\ue010\ue011"


def marked(
    words: Mathematics, equation: Equation, changed: tuple[sp.Expr, ...], total: str = ""
) -> str:
    """The right side of an equation as `words` prints it, each changed term between marks."""
    terms, printer = words.terms(equation), words.ordered(equation)
    if not changed or (len(terms) == 1 and len(changed) == 1):
        right = words.sides(equation, total)[1]
        return f"{START}{right}{END}" if changed else right
    text = ""
    for term in terms:
        minus = negative(term) and bool(text)
        sign = (printer.minus if minus else printer.plus) if text else ""
        value = printer.print(-term if minus else term, PRODUCT if minus else SUM)
        text += sign + (f"{START}{value}{END}" if term in changed else value)
    return total + (printer.bracket(text) if total else text)


def unmarked(text: str) -> str:
    """The formula without its marks."""
    return text.replace(START, "").replace(END, "")
