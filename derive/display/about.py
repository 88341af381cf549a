"""Facts about a cell in words common to all formats: paper, settings, shapes, initial values."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

from derive.cell import Cell
from derive.network.network import Network
from derive.nodes import Axes, Quantity
from derive.printing import shortest


def paragraphs(doc: str) -> list[str]:
    """A docstring's paragraphs, each as one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", inspect.cleandoc(doc)) if part]


def paper(doc: str) -> str:
    """The first work that a docstring cites, up to its year; "" where it cites none."""
    found = (re.match(r".*?\((1[89]|20)\d\d\)", paragraph) for paragraph in paragraphs(doc)[1:])
    return next((match[0] for match in found if match), "")


def shape(axes: Axes) -> str:
    """A shape as a reader writes it, ``H × I``; a scalar's is 1."""
    return " × ".join(axis.letter for axis in axes) or "1"


def inputs(cell: Cell) -> str:
    """What a cell's inputs are called together."""
    return "input" if len(cell.inputs) == 1 else "inputs"


def settings(cell: Cell | Network) -> str:
    """The settings that are not at their defaults, to follow a name: `` (reset=after)``."""
    changed = [str(s) for s in cell.options if s.value != s.default]
    return f" ({', '.join(changed)})" if changed else ""


def listed(words: Iterable[object]) -> str:
    """``1, 2 and 3``; "" for nothing."""
    *some, last = [str(word) for word in words] or [""]
    return f"{', '.join(some)} and {last}" if some else last


def starts(cell: Cell, parameter: Quantity) -> str:
    """What a parameter's entries are at first, in a word."""
    value = first_value(cell, parameter)
    said = "random" if value is None else shortest(value)
    said = "by its formula" if parameter.name in cell.entries else said
    return f"{said}, not trained" if parameter.name in cell.untrained else said


def first_value(cell: Cell, parameter: Quantity) -> float | None:
    """The initial value of a parameter's entries; None where these are not all alike."""
    is_matrix = len(parameter.axes) == 2 or parameter.name in cell.entries
    return cell.initial.get(parameter.name, None if is_matrix else 0.0)
