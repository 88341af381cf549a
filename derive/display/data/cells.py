"""Cells as data."""

from __future__ import annotations

from typing import Any

from derive.cell import Cell


def identified(cell: Cell) -> dict[str, Any]:
    """Which cell an answer is about."""
    return {
        "cell": cell.name,
        "title": cell.title,
        "options": {option.name: option.value for option in cell.options},
    }
