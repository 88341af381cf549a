"""Our layers for PyTorch, with and without the compiled kernel, as a table of the results."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.contestants import FUSED
from benchmarks.ratios import Figure, mean, ratio

TITLE = "## Layers for PyTorch, forward + backward"
INTRODUCTION = """\
The layer that `derive build --torch` makes, and the one of `derive generate --backend torch`, which
has PyTorch's operations alone: their times over that of the compiled module itself, called with
NumPy's arrays, and over PyTorch's own: its fused layer or, where it has none, the cell written by
hand in a loop, eager. The last row of each cell is the geometric mean.
"""
HEADING = (
    *("cell", "(T, B, I, H)", "with the kernel, ms", "with it: the compiled module"),
    *("with it: PyTorch", "without it: PyTorch"),
)


def pairs(cell: str) -> tuple[tuple[str, str], ...]:
    """Whose time is divided by whose."""
    theirs = "torch" if cell in FUSED else "eager"
    return ("layer", "compiled"), ("layer", theirs), ("layer.plain", theirs)


def rows(found: dict[str, Any]) -> Iterator[list[str]]:
    """A row for each cell and shape, and one for their mean."""
    figures: list[Figure] = found.get("torch", [])
    for cell in dict.fromkeys(figure["cell"] for figure in figures):
        own = [figure for figure in figures if figure["cell"] == cell]
        for figure in own:
            shape = "({})".format(", ".join(map(str, figure["shape"])))
            yield [cell, shape, milliseconds(figure), *(one(figure, *p) for p in pairs(cell))]
        yield [cell, "mean", "", *means(own, cell)]


def milliseconds(figure: Figure) -> str:
    times = figure["rounds"].get("layer")
    return f"{1e3 * median(times):.3g}" if times else ""


def one(figure: Figure, mine: str, other: str) -> str:
    if not {mine, other} <= figure["rounds"].keys():
        return ""
    found = ratio(figure, other, mine)
    return f"**{found.value:.2f}** ({found.low:.2f}–{found.high:.2f})"


def means(figures: list[Figure], cell: str) -> list[str]:
    """The geometric means of a cell's ratios, where all are there."""
    return [
        f"{mean(figures, other, mine):.2f}"
        if all({mine, other} <= figure["rounds"].keys() for figure in figures)
        else ""
        for mine, other in pairs(cell)
    ]
