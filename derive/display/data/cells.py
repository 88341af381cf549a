"""Cells as data: which one, all of them in a list, and one with its derivation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell
from derive.cost.predicted import size
from derive.display.about import first_value, paper, paragraphs
from derive.display.data.equations import sections
from derive.display.derivation import Textbook, textbook
from derive.display.latex.printer import Latex
from derive.network.network import Network
from derive.nodes import Quantity


def identified(cell: Cell | Network) -> dict[str, Any]:
    """Which cell, or network, an answer is about."""
    return {
        "cell": cell.name,
        "title": cell.title,
        "options": {option.name: option.value for option in cell.options},
    }


def list_data(cells: Iterable[Cell]) -> dict[str, Any]:
    """Cells at a glance."""
    return {"cells": [summary(cell) for cell in cells]}


def summary(cell: Cell) -> dict[str, Any]:
    """One cell at a glance."""
    return {
        **identified(cell),
        "defaults": {option.name: option.default for option in cell.options},
        "choices": {option.name: option.choices for option in cell.options},
        "family": cell.family,
        "paper": paper(cell.doc),
        "input": cell.input.name,
        "inputs": named(cell.inputs),
        "output": cell.output.name,
        "states": named(cell.states),
        "gates": named(cell.gates),
        "parameters": named(cell.parameters),
        "parameter_count": polynomial(sp.Add(*(size(p.axes) for p in cell.parameters))),
    }


def cell_data(cell: Cell) -> dict[str, Any]:
    """A cell, its quantities and all that was derived."""
    derivation = adjoint(cell)
    book = textbook(derivation)
    return {
        **summary(cell),
        "about": paragraphs(cell.doc),
        "axes": {axis.letter: axis.argument for axis in cell.axes},
        "updates": {old.name: new.name for old, new in cell.updates.items()},
        "quantities": quantities(derivation, book),
        **sections(book),
    }


def quantities(derivation: Adjoint, book: Textbook) -> dict[str, dict[str, Any]]:
    """Everything that has a name in the equations that are shown."""
    cell, latex = derivation.cell, Latex(book)
    kinds: dict[Quantity, dict[str, Any]] = {q: {"kind": "input"} for q in cell.inputs}
    kinds |= {cell.number: {"kind": "number"}} if cell.number else {}
    kinds |= {q: {"kind": "state", "start": cell.starts.get(q.name, 0.0)} for q in cell.states}
    kinds |= {q: _parameter(cell, q) for q in cell.parameters}
    kinds |= {equation.lhs: {"kind": "value"} for equation in book.forward}
    bars = {bar: of for of, bar in derivation.bar.items() if of in kinds.keys() - cell.constants}
    bars |= {derivation.seed: cell.output}
    bars |= {carry: cell.updates[state] for state, carry in derivation.carry.items()}
    kinds |= {
        bar: {"kind": "adjoint", "of": of.name, "part": book.names[bar.name].part or "whole"}
        for bar, of in bars.items()
    }
    return {
        q.name: {**kind, "shape": named(q.axes), "latex": latex.symbol(q)}
        for q, kind in kinds.items()
    }


def _parameter(cell: Cell, q: Quantity) -> dict[str, Any]:
    return {
        "kind": "parameter", "start": first_value(cell, q), "trained": q not in cell.constants
    }  # fmt: skip


def named(things: Iterable[object]) -> list[str]:
    """Quantities or axes, by name."""
    return list(map(str, things))


def polynomial(count: sp.Expr) -> str:
    """A count as a formula in the letters of the sizes, in Python's words: ``4*H**2 + 4*H*I``."""
    return str(sp.expand(count))
