"""The sizes of a layer: what its cell's axes are as long as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import sympy as sp

from derive.cell import Cell
from derive.network.network import Condition, Length
from derive.nodes import Axis, CellError, H, I, Size, own

Given: TypeAlias = int | Axis | sp.Expr  # a length as it is written


def length(name: str, given: Any) -> Length:
    """A length: a number, or that of an axis, which becomes an argument of the network."""
    if isinstance(given, Axis):
        return Size(given)
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return sp.Integer(given)
    if isinstance(given, sp.Expr):
        return given
    raise CellError(
        f"layer `{name}`: {given!r} is no size; write a positive integer, or an axis such as H"
    )


def main_axis(cell: Cell, name: str) -> Axis:
    """The axis whose length a layer's size is: H, or where there is none that of the output."""
    axes = (H,) if H in cell.axes else own(cell.output.axes)
    if len(axes) != 1:
        raise CellError(f"layer `{name}`: a size is given, and {cell.name} has none")
    return axes[0]


def axis_called(cell: Cell, name: str, key: str) -> Axis:
    """The axis of that letter or argument."""
    for axis in cell.axes:
        if key in (axis.letter, axis.argument):
            return axis
    known = ", ".join(axis.argument for axis in cell.axes if axis != I)
    raise CellError(f"layer `{name}`: {cell.name} has no size `{key}`; it has {known}")


def sized(
    cell: Cell, name: str, given: Mapping[Axis, Length], width: Length
) -> tuple[dict[Axis, Length], list[Condition]]:
    """The lengths of all axes of a cell that is given so many numbers in each step, and what has to
    be the same for it.

    Raises CellError where a size is missing, or where the cell cannot be given so many.
    """
    taken = cell.input.axes
    first = {} if cell.input_is_wide or len(taken) != 1 else {taken[0]: width}
    sizes = {**given, **{axis: n for axis, n in first.items() if axis not in given}}
    if cell.input_is_wide:
        sizes[I] = width
    missing = [axis for axis in cell.axes if axis not in sizes]
    for axis in missing:
        raise CellError(
            f"layer `{name}`: {cell.name} has the size {axis.argument}, which is not given"
        )
    needed = sizes[taken[0]] if taken else sp.Integer(1)
    if needed.is_number and width.is_number and needed != width:
        raise CellError(
            f"layer `{name}`: {cell.name} is given {width} numbers in each step, and takes {needed}"
        )
    conditions = [Condition(width, needed, name)] if needed != width else []
    return {axis: sizes[axis] for axis in cell.axes}, conditions
