"""What a person gives for a cell: sizes, weights, initial states, a series; each checked, and
completed where something is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from derive.cell import Cell
from derive.entries import PLACE
from derive.evaluation.arrays import Array, evaluate, extent
from derive.nodes import Axes, Axis, CellError, H, Quantity, shape
from derive.program.program import Program

Shape = tuple[Quantity, tuple[int, ...]]  # of what is given for a quantity
Given = Mapping[str, Any]  # numbers, or arrays of a quantity's own shape, by name


def checked(given: Given, known: Iterable[Quantity], what: str) -> dict[Quantity, Array]:
    """What is given, by quantity; CellError for a name or a value that does not belong."""
    quantities = {q.name: q for q in known}
    found = {}
    for name, value in given.items():
        if name not in quantities:
            raise CellError(
                f"no {what} is called {name!r}; there are {', '.join(quantities) or 'none'}"
            )
        try:
            found[quantities[name]] = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise CellError(f"the value of {what} {name!r} is not made of numbers") from None
    return found


def sizes_of(cell: Cell, shapes: Iterable[Shape], asked: Mapping[str, int]) -> dict[Axis, int]:
    """The length of every axis: as asked for, as what is given has it, and 1 where nothing says.

    A shape () is that of a number, which fills whatever it is given for.
    """
    lengths: dict[Axis, tuple[int, str]] = {}
    for name, n in asked.items():
        axis = next((a for a in cell.axes if name in (a.letter, a.argument)), None)
        if axis is None:
            letters = ", ".join(axis.letter for axis in cell.axes)
            raise CellError(f"no size is called {name!r}; there are {letters}")
        if n < 1:
            raise CellError(f"the size {name} must be at least 1, not {n}")
        lengths[axis] = n, "it was set"
    for quantity, own in shapes:
        if not own:
            continue
        if len(own) != len(quantity.axes):
            raise CellError(
                f"{quantity} has shape {shape(quantity.axes)}, which an array of shape {own} does "
                f"not fit"
            )
        for axis, n in zip(quantity.axes, own, strict=True):
            known, source = lengths.setdefault(axis, (n, f"{quantity} has it"))
            if known != n:
                raise CellError(
                    f"{quantity} has shape {shape(quantity.axes)}, and in what is given for it "
                    f"{axis} is {n}, but {axis} is {known}, as {source}"
                )
    return {axis: lengths.get(axis, (1, ""))[0] for axis in cell.axes}


def drawn(cell: Cell, sizes: Mapping[Axis, int], seed: int) -> dict[Quantity, Array]:
    """Initial parameters, as `init` of the generated module draws them with
    ``numpy.random.default_rng(seed)``."""
    rng = np.random.default_rng(seed)
    made = {}
    for q in Program(cell).layout.parameters:
        own = extent(q.axes, sizes)
        made[q] = np.zeros(own)
        if q in cell.matrices:
            bound = np.sqrt(6 / sum(own[-2:]))
            made[q] = rng.uniform(-bound, bound, own)
        made[q] = np.full(own, float(cell.initial[q.name])) if q.name in cell.initial else made[q]
        if q.name in cell.entries:
            made[q] = _computed(cell.entries[q.name], own, sizes)
    return made


def _computed(formula: sp.Expr, own: tuple[int, ...], sizes: Mapping[Axis, int]) -> Array:
    """The entries of a parameter of that shape, by their formula."""
    place = dict(zip(PLACE, np.indices(own, dtype=float), strict=False))
    return np.array(np.broadcast_to(evaluate(formula, place, sizes), own or (1,))).reshape(own)


def weights_of(
    cell: Cell, given: Mapping[Quantity, Array], sizes: Mapping[Axis, int], seed: int | None
) -> dict[Quantity, Array]:
    """The value of every parameter: what is given, and for the others what is drawn with the seed,
    or 0 without one."""
    others = {} if seed is None else drawn(cell, sizes, seed)
    return {
        q: np.array(np.broadcast_to(given.get(q, others.get(q, 0.0)), extent(q.axes, sizes)))
        for q in cell.parameters
    }


def whole(
    cell: Cell,
    params: Mapping[str, Any] | None,
    asked: Mapping[str, int],
    seed: int = 0,
    usual: int = 1,
) -> tuple[dict[Quantity, Array], dict[Axis, int]]:
    """All parameters, as they are given or else drawn with the seed, and the length of every axis:
    as parameters have it, as asked for, and the `usual` one where nothing says. CellError where a
    parameter is missing or has not the shape that it needs."""
    given = {} if params is None else checked(params, cell.parameters, "parameter")
    known = {axis for q in given for axis in q.axes}
    others = {axis.letter: usual for axis in cell.axes if axis not in known}
    sizes = sizes_of(cell, ((q, a.shape) for q, a in given.items()), others | dict(asked))
    found = drawn(cell, sizes, seed) if params is None else given
    for p in cell.parameters:
        if p not in found:
            there = ", ".join(q.name for q in found) or "none"
            raise CellError(f"there is no parameter {p.name!r} in what is given; there are {there}")
        if found[p].shape != (needed := extent(p.axes, sizes)):
            raise CellError(f"{p} must have shape {needed}, not {found[p].shape}")
    return found, sizes


def states_of(
    cell: Cell, given: Mapping[Quantity, Array], sizes: Mapping[Axis, int], rows: int
) -> dict[Quantity, Array]:
    """The value of every state before the first step, (B, n)."""
    made = {}
    for s in cell.states:
        value, own = given.get(s, np.array(cell.starts.get(s.name, 0.0))), extent(s.axes, sizes)
        if value.ndim > len(own) and len(value) not in (1, rows):
            raise CellError(
                f"state {s} is given for {len(value)} sequences, and the series has {rows}"
            )
        made[s] = np.array(np.broadcast_to(value, (rows, *own)))
    return made


def of_one_sequence(quantity: Quantity, array: Array) -> tuple[int, ...]:
    """The shape of a state's value without the axis of sequences, if it has that."""
    return array.shape[array.ndim > len(quantity.axes) :]


def series_of(cell: Cell, xs: Any) -> tuple[dict[Quantity, Array], list[Shape]]:
    """The series of every input, (T, B, n) or (T, B) for a number, and the shapes of those that do
    not leave it to others.

    `xs` has the series by name, or is that of the first input. An input of which there is none is 1
    at every step, and one step serves all.
    """
    named = xs._asdict() if hasattr(xs, "_asdict") else xs
    given = dict(named) if isinstance(named, Mapping) else {cell.input.name: named}
    names = [q.name for q in cell.inputs]
    for name in given:
        if name not in names:
            raise CellError(f"no input is called {name!r}; there are {', '.join(names)}")
    what = "the series" if len(names) == 1 else "the series of {}"
    found = {q: series(given.get(q.name, [1.0]), what.format(q), q.axes) for q in cell.inputs}
    T, B = (max(array.shape[k] for array in found.values()) for k in (0, 1))
    for q, array in found.items():
        for count, most, of in zip(array.shape, (T, B), ("steps", "sequences"), strict=False):
            if count not in (1, most):
                raise CellError(f"the series of {q} has {count} {of}, and another has {most}")
    fixed = [(q, found[q].shape[2:]) for q in found if np.ndim(given.get(q.name, [1.0])) > 1]
    return {q: np.broadcast_to(a, (T, B, *a.shape[2:])) for q, a in found.items()}, fixed


def series(values: Any, name: str, axes: Axes = (H,)) -> Array:
    """A series as (T, B, n), from (T,), (T, n) or all of it. Where it is (T,), n is 1 and each
    number serves every entry. That of numbers is (T, B), from (T,) or (T, B)."""
    shapes = "(T,), (T, n) or (T, B, n)" if axes else "(T,) or (T, B)"
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise CellError(f"{name} must be numbers, {shapes}, with as many at every step") from None
    most = 2 + len(axes)
    if not 1 <= array.ndim <= most:
        raise CellError(f"{name} must have shape {shapes}, not {array.shape}")
    return array.reshape(len(array), *(1,) * (most - array.ndim), *array.shape[1:])
