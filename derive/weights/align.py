"""What of one cell stands for what of another before any equation is read: input, states, axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from derive.cell import Cell
from derive.nodes import Axes, Axis, Quantity, shape


@dataclass(frozen=True)
class Alignment:
    """For each input and state of the cell `target`, the one of `source`; for each axis, its axis;
    and parameters of `target`, in these axes, by the names that they have there."""

    quantities: dict[Quantity, Quantity]
    axes: dict[Axis, Axis]
    parameters: dict[Quantity, Quantity]


def alignments(source: Cell, target: Cell) -> Iterator[Alignment]:
    """All in which shapes and first values fit, states in their order first."""
    for states in permutations(source.states):
        theirs = (*target.inputs, *target.states)
        pairs = dict(zip(theirs, (*source.inputs, *states), strict=True))
        axes = _axes(pairs)
        if any(
            source.starts.get(own.name) != target.starts.get(q.name) for q, own in pairs.items()
        ):
            continue
        if axes is not None and all(axis in axes for p in target.parameters for axis in p.axes):
            moved = {p: Quantity(_primed(p), _along(p.axes, axes)) for p in target.parameters}
            yield Alignment(pairs, axes, moved)


def different(source: Cell, target: Cell) -> str:
    """What is different about what the cells are given and remember; "" if nothing need be. Both
    are called by what is put in the place of {source} and {target}."""
    for kind in ("inputs", "states"):
        ours, theirs = getattr(source, kind), getattr(target, kind)
        if len(ours) != len(theirs):
            return (
                f"{{source}} has the {_listed(kind, ours)}, and {{target}} the "
                f"{_listed(kind, theirs)}"
            )
    if source.number is not None or target.number is not None:
        which = "source" if source.number is not None else "target"
        return f"{{{which}}} reads the number of the step, and the other does not"
    if next(alignments(source, target), None) is None:
        return f"{{source}} has {_shapes(source)}, and {{target}} {_shapes(target)}"
    return ""


def _listed(kind: str, some: tuple[Quantity, ...]) -> str:
    return f"{kind if len(some) != 1 else kind[:-1]} {', '.join(map(str, some)) or '(none)'}"


def _shapes(cell: Cell) -> str:
    starts = {name: f" from {value:g} on" for name, value in cell.starts.items()}
    return ", ".join(
        f"{q} {shape(q.axes)}{starts.get(q.name, '')}" for q in (*cell.inputs, *cell.states)
    )


def _primed(quantity: Quantity) -> str:
    """A name that no quantity of a cell's file has."""
    return f"{quantity}'"


def _axes(pairs: dict[Quantity, Quantity]) -> dict[Axis, Axis] | None:
    """The axis that stands for each; None where shapes do not fit."""
    found: dict[Axis, Axis] = {}
    for one, other in pairs.items():
        if len(one.axes) != len(other.axes):
            return None
        for axis, own in zip(one.axes, other.axes, strict=True):
            if found.setdefault(axis, own) != own or axis.heads != own.heads:
                return None
    return found


def _along(axes: Axes, moved: dict[Axis, Axis]) -> Axes:
    return tuple(moved[axis] for axis in axes)
