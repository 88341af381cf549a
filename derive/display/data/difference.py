"""The difference between two cells, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derive.cell import Cell, Equation
from derive.display.compare.difference import Difference, difference, replaced
from derive.display.compare.terms import Change
from derive.display.data.cells import named, summary
from derive.display.data.equations import TOTAL, Equations
from derive.nodes import Quantity

KEYS = {"forward": "forward", "adjoints": "adjoints", "back": "back", "parameters": "gathered"}


def difference_data(old: Cell, new: Cell) -> dict[str, Any]:
    """What changes from one cell to another."""
    found = difference(old, new)
    return {
        "old": summary(old),
        "new": summary(new),
        "same": found.same,
        "renamed": dict(found.renamed),
        "inputs": _replaced(old.given, new.given, found),
        "states": _replaced(old.states, new.states, found),
        "parameters": _replaced(old.parameters, new.parameters, found),
        **_sections(found),
    }


def _replaced(
    old: Sequence[Quantity], new: Sequence[Quantity], found: Difference
) -> dict[str, dict[str, list[str]]]:
    """What went and what came, with shapes."""
    went, came = replaced(old, new, found.renamed)
    return {
        "removed": {q.name: named(q.axes) for q in went},
        "added": {q.name: named(q.axes) for q in came},
    }


def _sections(found: Difference) -> dict[str, Any]:
    """The changes of all equations."""
    before, after = Equations(found.old), Equations(found.new)

    def version(
        data: Equations, equation: Equation | None, terms: Sequence[sp.Expr], total: str
    ) -> dict[str, Any] | None:
        if equation is None:
            return None
        return {**data(equation, total), "changed": [data.formula(equation, t) for t in terms]}

    def changed(change: Change, total: str) -> dict[str, Any]:
        return {
            "same": change.same,
            "old": version(before, change.old, change.removed, total),
            "new": version(after, change.new, change.added, total),
        }

    return {
        KEYS[section]: [
            changed(change, TOTAL if section == "parameters" else "") for change in changes
        ]
        for section, changes in found.sections.items()
    }
