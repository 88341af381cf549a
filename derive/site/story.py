"""A step of a cell told in words, as a page shows it and computes it."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import sympy as sp

from derive.display.derivation import Textbook
from derive.display.formula import plain
from derive.display.mathml import MathML, Row
from derive.display.trace.steps import Part, Teller
from derive.nodes import Node

Told = tuple[str, list[tuple[Row, str]]]  # a heading, and rows, each with its tree if it needs one


def story(book: Textbook) -> list[Told]:
    """For each step of the story a heading, and its equations; a formula without a name comes with
    itself as nested lists, from which a page computes it, if it is elementwise."""
    printer = MathML(book)

    def row(part: Part) -> tuple[Row, str]:
        if part.part is None:
            return printer.row(part.equation), ""
        said = "" if part.part.has(Node) else json.dumps(tree(part.part))
        return printer.formula(part.part), said

    return [
        ("".join(_said(word, printer) for word in step.heading), list(map(row, step.parts)))
        for step in Teller(book, printer.terms).tell()
    ]


def _said(word: object, printer: MathML) -> str:
    """A word of a heading; a quantity as mathematics."""
    if isinstance(word, sp.Expr):
        return f"<math>{plain(printer(word))}</math>"
    return escape(str(word))


def tree(expr: sp.Expr) -> Any:
    """A formula as nested lists: numbers, names, and an operation with its parts."""
    if expr.is_Number:
        return float(expr)
    if expr.is_Symbol:
        return expr.name
    signs = {sp.Add: "+", sp.Mul: "*", sp.Pow: "^"}
    return [signs.get(type(expr), type(expr).__name__), *map(tree, expr.args)]
