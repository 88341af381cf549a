"""Cells as they are named for a comparison: with options, and with parameters' first values."""

from __future__ import annotations

from dataclasses import replace

from derive.cell import Cell
from derive.library import load, split
from derive.nodes import CellError


def named(what: str, settings: dict[str, str]) -> tuple[Cell, str]:
    """A cell and its label. A setting is an option or a constant, as everywhere, or the value that
    a parameter starts at: ``lstm:b_f=5``. Those behind the name go before `settings`.

    Raises CellError, in one sentence, where a setting is neither, or no finite number.
    """
    what, own = split(what)
    settings = {**settings, **own}
    known = {setting.name for setting in load(what).options}
    cell = load(what, {name: value for name, value in settings.items() if name in known})
    starts = {name: _number(cell, name, settings[name]) for name in settings if name not in known}
    label = " ".join([cell.name, *(f"{name}={value}" for name, value in settings.items())])
    return replace(cell, initial={**cell.initial, **starts}), label


def _number(cell: Cell, name: str, text: str) -> float:
    parameters = [p.name for p in cell.parameters]
    if name not in parameters:
        options = [setting.name for setting in cell.options]
        has = ", ".join([*options, *parameters]) or "none"
        raise CellError(f"{cell.name} has no option and no parameter `{name}`; it has {has}")
    try:
        return float(text)
    except ValueError:
        raise CellError(f"{cell.name}: `{name}` starts at a number, not {text!r}") from None
