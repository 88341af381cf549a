"""What a cell costs, as data."""

from __future__ import annotations

from typing import Any

from derive.cell import Cell
from derive.cost.report import CellCost
from derive.display.data.cells import identified, polynomial


def cost_data(cell: Cell, found: CellCost) -> dict[str, Any]:
    """A `CellCost`, with its polynomials as formulas."""
    return {
        **identified(cell),
        "work": {
            routine: {kind: polynomial(count) for kind, count in work.items()}
            for routine, work in found.work.items()
        },
        "parameter_count": polynomial(found.parameters),
        "kept": polynomial(found.kept),
        "recurrent": polynomial(found.recurrent),
        "depth": found.depth,
        "savings": [vars(saving) for saving in found.savings],
    }
