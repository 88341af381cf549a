"""What is measured of which cell, at which sizes, of whom."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.contestants import CONTESTANTS, FUSED, LAYERS, OURS, UNFUSED, present
from benchmarks.grid import BOTH, FORWARD, GRID, HVP, STEP, Shape

Shapes = tuple[Shape, ...]


class Comparison(NamedTuple):
    """One row of a table: some contestants at the same work."""

    cell: str
    shape: Shape
    measure: str
    contestants: tuple[str, ...]


class Plan(NamedTuple):
    """All that is measured.

    times        for each cell what is timed, and where
    contestants  who takes part, if they can
    torch        for each cell where PyTorch's layers are timed, forward + backward
    memory       for each cell where the peak memory of forward + backward is measured
    deriving     the sizes for which a step is derived and written
    """

    times: dict[str, dict[str, Shapes]]
    contestants: tuple[str, ...]
    torch: dict[str, Shapes]
    memory: dict[str, Shapes]
    deriving: tuple[int, ...]

    def comparisons(self) -> list[Comparison]:
        """All rows that are timed, those of a cell together, and in them those of a shape."""
        return [
            self.comparison(cell, measure, shape)
            for cell, measures in self.times.items()
            for shape in dict.fromkeys(s for shapes in measures.values() for s in shapes)
            for measure, shapes in measures.items()
            if shape in shapes
        ]

    def layers(self) -> list[Comparison]:
        """The rows of PyTorch's layers: ours beside PyTorch's own, and beside the compiled code."""
        rows = ((cell, shape) for cell, shapes in self.torch.items() for shape in shapes)
        return [self.comparison(cell, BOTH, shape, LAYERS) for cell, shape in rows]

    def memories(self) -> list[Comparison]:
        """The rows whose peak memory is measured."""
        rows = ((cell, shape) for cell, shapes in self.memory.items() for shape in shapes)
        return [self.comparison(cell, BOTH, shape) for cell, shape in rows]

    def comparison(
        self, cell: str, measure: str, shape: Shape, of: tuple[str, ...] = ()
    ) -> Comparison:
        names = present(of or self.contestants)
        taking = (name for name in names if CONTESTANTS[name].takes(cell, measure, shape))
        return Comparison(cell, shape, measure, tuple(taking))


STEPS = (Shape(1, 1, 1, 16), Shape(1, 1, 64, 128), Shape(1, 16, 64, 128))  # one step has no T
SOME = (GRID[0], GRID[3], GRID[5])
OF_FUSED = {FORWARD: GRID, BOTH: GRID, STEP: STEPS, HVP: SOME}
OF_UNFUSED = {BOTH: GRID, STEP: STEPS, HVP: SOME}
OTHERS = tuple(name for name in CONTESTANTS if not name.startswith("layer"))
FULL = Plan(
    times=dict.fromkeys(FUSED, OF_FUSED) | dict.fromkeys(UNFUSED, OF_UNFUSED),
    contestants=OTHERS,
    torch=dict.fromkeys(FUSED, GRID) | dict.fromkeys(UNFUSED, SOME),
    memory={"lstm": (GRID[2], GRID[3], GRID[5], GRID[6])} | dict.fromkeys(UNFUSED, GRID[3:4]),
    deriving=(2, 4, 8, 16),
)

ROWS = (GRID[0], GRID[2], GRID[3])
QUICK = Plan(
    times={"lstm": {FORWARD: ROWS, BOTH: ROWS, STEP: STEPS[:1]}, "mgu": {BOTH: ROWS[:1]}},
    contestants=(*OURS, "torch", "eager"),
    torch={"lstm": ROWS[:1], "mgu": ROWS[:1]},
    memory={"lstm": ROWS[1:2]},
    deriving=(),
)
