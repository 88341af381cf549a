"""Lines of Python as a formatter would leave them, and axis lengths as Python writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from derive.nodes import Axes, Axis

WIDTH = 100


def wrap(before: str, items: Sequence[str], after: str, indent: int = 4) -> list[str]:
    """``before item, item after`` on one line where it fits, with the brackets opened where it does not."""
    inner = ", ".join(items)
    if indent + len(before) + len(inner) + len(after) <= WIDTH:
        return [before + inner + after]
    if indent + 4 + len(inner) <= WIDTH:
        return [before, f"    {inner}", after]
    return [before, *(f"    {item}," for item in items), after]


def indented(lines: Iterable[str], by: int = 4) -> list[str]:
    """The lines, further to the right."""
    return [" " * by + line if line else "" for line in lines]


def length(axes: Iterable[Axis]) -> str:
    """The length of quantities side by side: ``4 * H``, ``2 * H + P``."""
    counts = Counter(axis.letter for axis in axes)
    return " + ".join(letter if n == 1 else f"{n} * {letter}" for letter, n in counts.items())


def tuple_of(parts: Sequence[str]) -> str:
    """A tuple as Python writes it."""
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def shape_of(leading: Sequence[str], axes: Axes) -> str:
    """The shape of an array: leading axes such as T and B, then the quantity's own, 1 for a scalar."""
    return tuple_of([*leading, *(str(axis) for axis in axes)] if axes else [*leading, "1"])
