"""What is measured of which cell, at which sizes."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.contestants import CONTESTANTS, FUSED, OURS, UNFUSED, present
from benchmarks.grid import BOTH, FORWARD, GRID, HVP, STEP, Shape

STEPS = (Shape(1, 1, 1, 16), Shape(1, 1, 64, 128), Shape(1, 16, 64, 128))  # one step has no T
SOME = (GRID[0], GRID[3], GRID[5])
MEMORY = (GRID[2], GRID[3], GRID[5], GRID[6])
FULL = (
    {cell: {FORWARD: GRID, BOTH: GRID, STEP: STEPS, HVP: SOME} for cell in FUSED}
    | {cell: {BOTH: GRID, STEP: STEPS, HVP: SOME} for cell in UNFUSED}
)  # fmt: skip
ROWS = (GRID[0], GRID[2], GRID[3])
QUICK = {"lstm": {FORWARD: ROWS, BOTH: ROWS, STEP: STEPS[:1]}, "mgu": {BOTH: ROWS[:1]}}
QUICK_PEERS = ("torch", "eager")


class Comparison(NamedTuple):
    """One row of a table: some contestants at the same work."""

    cell: str
    shape: Shape
    measure: str
    contestants: tuple[str, ...]


def comparisons(quick: bool) -> list[Comparison]:
    """All rows, those of a cell together, and in them those of a shape."""
    names = present((*OURS, *QUICK_PEERS) if quick else CONTESTANTS)
    return [
        Comparison(cell, shape, measure, taking(names, cell, measure, shape))
        for cell, measures in (QUICK if quick else FULL).items()
        for shape in dict.fromkeys(s for shapes in measures.values() for s in shapes)
        for measure, shapes in measures.items()
        if shape in shapes
    ]


def memories(quick: bool) -> list[Comparison]:
    """The rows of which the peak memory is measured."""
    wanted = MEMORY[:1] if quick else MEMORY
    return [
        row
        for row in comparisons(quick)
        if row.measure == BOTH and row.shape in wanted and (row.cell == "lstm" or not quick)
    ]


def taking(names: list[str], cell: str, measure: str, shape: Shape) -> tuple[str, ...]:
    return tuple(name for name in names if CONTESTANTS[name].takes(cell, measure, shape))
