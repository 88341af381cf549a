"""The files in `benchmarks/results/` and the README's table, from the figures.

`python -m benchmarks.report` writes them anew from those that are there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks import plot, readme, table

RESULTS = Path(__file__).parent / "results"


def write(found: dict[str, Any], folder: Path) -> None:
    """Figures, tables and plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(table.page(found), encoding="utf-8")
    plot.draw(found, folder / "speed.svg")


if __name__ == "__main__":
    figures = json.loads((RESULTS / "figures.json").read_text(encoding="utf-8"))
    write(figures, RESULTS)
    readme.write(figures)
