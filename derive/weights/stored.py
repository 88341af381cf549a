"""Arrays of a library and parameters of its layer: taken apart, and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.nodes import Axis, CellError, Quantity
from derive.weights.layout import Array, Convention, Operator, cell_of

Values = Any  # an array of numbers


@dataclass(frozen=True)
class Stack:
    """Which layer of a stack of them, and in which direction it runs."""

    layer: int = 0
    reverse: bool = False

    def suffixes(self, convention: Convention) -> list[str]:
        """What may stand behind the names of its arrays; CellError where a library's arrays say
        nothing of it."""
        is_plain = self.layer == 0 and not self.reverse
        reverse = convention.reverse if self.reverse else ""
        found = [
            pattern.format(layer=self.layer, reverse=reverse)
            for pattern in convention.suffixes
            if is_plain or pattern or (convention.directions and self.layer == 0)
        ]
        if not found:
            raise CellError(
                f"the names of {convention.title}'s arrays have no number of a layer and no "
                f"direction: name the layer with --prefix"
            )
        return found


@dataclass(frozen=True)
class Stored:
    """A layer that was found among arrays.

    operator    what it is
    names       the arrays that it is in
    lengths     of the axes of its cell
    parameters  of its cell, each a part of an array; zero where there is none
    places      where each is, as Python writes it: ``weight_ih_l0[8:16]``
    """

    operator: Operator
    names: tuple[str, ...]
    lengths: Mapping[Axis, int]
    parameters: Mapping[str, Values]
    places: Mapping[str, str]


def taken_apart(
    convention: Convention,
    operator: Operator,
    arrays: Mapping[str, Values],
    around: tuple[str, str],
    direction: int = 0,
) -> Stored | None:
    """A layer whose arrays have names with this before and behind them; None where these are not
    there, or their shapes are not those of such a layer."""
    named = {array.name: f"{around[0]}{array.name}{around[1]}" for array in operator.arrays}
    there = [array for array in operator.arrays if named[array.name] in arrays]
    groups = {array.group for array in there}
    if any(a not in there and (not a.group or a.group in groups) for a in operator.arrays):
        return None
    quantities = {p.name: p for p in _cell(convention, operator).parameters}
    lengths: dict[Axis, int] = {}
    found: dict[str, Values] = {}
    places: dict[str, str] = {}
    for array in there:
        values = floating(named[array.name], arrays[named[array.name]])
        rows = _rows(array, values, convention.directions, direction)
        for number, (parts, row) in enumerate(zip(array.rows, rows, strict=True)):
            axes = quantities[parts[0]].axes
            if row is None or row.ndim != len(axes) or row.shape[0] % len(parts):
                return None
            shape = (row.shape[0] // len(parts), *row.shape[1:])
            if any(lengths.setdefault(a, n) != n for a, n in zip(axes, shape, strict=True)):
                return None
            found |= zip(parts, np.split(row, len(parts)), strict=True)
            ends = range(0, row.shape[0] + 1, shape[0] or 1)
            front = [direction] * convention.directions + [number] * (len(array.rows) > 1)
            for k, part in enumerate(parts):
                span = f"{ends[k]}:{ends[k + 1]}" if len(parts) > 1 else ""
                places[part] = named[array.name] + _index(array, front, span)
    if any(axis not in lengths for q in quantities.values() for axis in q.axes):
        return None
    dtype = np.result_type(*found.values())
    shapes = {name: tuple(lengths[a] for a in q.axes) for name, q in quantities.items()}
    zero = {name: np.zeros(shape, dtype) for name, shape in shapes.items() if name not in found}
    return Stored(operator, tuple(named[a.name] for a in there), lengths, zero | found, places)


def floating(name: str, values: Values) -> Values:
    """The array of that name; CellError where it holds anything but floating-point numbers."""
    if values.dtype.kind in "biuOSUMm":
        raise CellError(f"{name} holds {values.dtype}: weights are floating-point numbers")
    return values


def _cell(convention: Convention, operator: Operator) -> Cell:
    return cell_of(convention.file, operator.cell, tuple(operator.settings.items()))


def _rows(
    array: Array, values: Values, has_directions: bool, direction: int
) -> Sequence[Values | None]:
    """The rows of an array, each as the parameters in it lie one above the other; None for each
    where its shape is another."""
    none = [None] * len(array.rows)
    if has_directions:
        if values.ndim == 0 or values.shape[0] <= direction:
            return none
        values = values[direction]
    if len(array.rows) > 1:
        return list(values) if values.shape[:1] == (len(array.rows),) else none
    return [values.T if array.transposed else values]


def _index(array: Array, front: list[int], span: str) -> str:
    """Where a part lies in its array, as Python writes it."""
    before = [*map(str, front), *([":"] if array.transposed and span else [])]
    inside = ", ".join([*before, span] if span else before)
    return f"[{inside}]" * bool(inside) + ".T" * array.transposed


def put_together(
    convention: Convention,
    arrays: Sequence[Array],
    parameters: Mapping[str, Values],
    around: tuple[str, str],
) -> dict[str, Values]:
    """The arrays that parameters lie in, by their names in a file."""
    made = {}
    for array in arrays:
        rows = [np.concatenate([parameters[part] for part in parts]) for parts in array.rows]
        values = np.stack(rows) if len(rows) > 1 else rows[0]
        values = values.T if array.transposed else values
        values = values[None] if convention.directions else values
        made[f"{around[0]}{array.name}{around[1]}"] = np.ascontiguousarray(values)
    return made


def of_cell(cell: Cell, arrays: Mapping[str, Values]) -> Mapping[Axis, int]:
    """The lengths of a cell's axes, from arrays that are its parameters; CellError where they are
    not."""
    lengths: dict[Axis, int] = {}
    missing = [p.name for p in cell.parameters if p.name not in arrays]
    if missing:
        raise CellError(
            f"there is no {', '.join(missing)}; {cell.name} has the parameters "
            f"{', '.join(p.name for p in cell.parameters)}"
        )
    for p in cell.parameters:
        there = floating(p.name, arrays[p.name]).shape
        if len(there) != len(p.axes) or any(
            lengths.setdefault(axis, n) != n for axis, n in zip(p.axes, there, strict=True)
        ):
            raise CellError(_shaped(p, there))
    return lengths


def _shaped(p: Quantity, there: tuple[int, ...]) -> str:
    axes = ", ".join(map(str, p.axes))
    return f"{p} has the shape {there}, which is not ({axes}) with the lengths of the others"
