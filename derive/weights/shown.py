"""A conversion in the terminal, and as data: what went where, and what went nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from derive.cell import Cell
from derive.display.about import listed, settings
from derive.display.terminal import console, table
from derive.weights.convert import Converted
from derive.weights.words import Words


def print_conversion(cell: Cell, done: Converted, source: str) -> None:
    """Print what each array was made of, and which were not used."""
    out, own, title = console(120), cell.name + settings(cell), done.fit.variant.title
    one, other = (own, title) if done.fit.source is cell else (title, own)
    out.print(Text(f"{one} → {other}: the same, proved from their equations{_where(done)}", "bold"))
    rows = table("array", "shape", "type", f"in {source}")
    for column in rows.columns[:3]:
        column.no_wrap = True
    for name, array in done.arrays.items():
        shape = " × ".join(map(str, array.shape)) or "1"
        rows.add_row(name, shape, str(array.dtype), ", ".join(done.made[name]))
    out.print(rows)
    if done.unused:
        out.print(f"Not used: {', '.join(done.unused)}.")


def _where(done: Converted) -> str:
    """What is zero for the two to be the same; "" where nothing need be."""
    words = Words(done.fit.source.parameters)
    zero = listed(words(condition.value) for condition in done.fit.conditions)
    return f", where {zero} {'is' if len(done.fit.conditions) == 1 else 'are'} 0" if zero else ""


def conversion_data(cell: Cell, done: Converted, path: str | None) -> dict[str, Any]:
    """The same for programs."""
    return {
        "cell": cell.name,
        "title": cell.title,
        "options": {s.name: s.value for s in cell.options},
        "layer": done.fit.variant.operator.title,
        "settings": done.fit.variant.settings,
        "arrays": [_array(name, array, done.made) for name, array in done.arrays.items()],
        "unused": list(done.unused),
        "path": path,
    }


def _array(name: str, array: Any, made: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        "name": name,
        "lengths": list(array.shape),
        "type": str(array.dtype),
        "made_of": list(made[name]),
    }
