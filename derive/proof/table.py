"""The proof of a cell as a table in the terminal, row by row as the proof goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from derive.cell import Cell
from derive.display.about import settings
from derive.display.terminal import console, table
from derive.proof import Row

if TYPE_CHECKING:
    from rich.table import Table

VERDICTS = {True: "ok", False: "FAILED", None: "not run"}
STYLES = {True: "green", False: "bold red", None: "yellow"}
HEADINGS = ("check", "", "figure", "remark")
WIDE, NARROW = (18, 7, 15), (11, 7, 11)  # columns; the remark has what is left


def print_check(cell: Cell, rows: Iterable[Row]) -> list[Row]:
    """Print the rows of a cell's proof as they come, then how many came out in which way."""
    out, done = console(), []
    out.print(f"{cell.name}{settings(cell)}: {cell.title}", style="bold")
    out.print(columns(out.width))
    for row in rows:
        line = columns(out.width)
        line.show_header = False
        line.add_row(row.name, Text(VERDICTS[row.ok], STYLES[row.ok]), row.figure, row.remark)
        out.print(line)
        done.append(row)
    counts = {verdict: sum(row.ok is ok for row in done) for ok, verdict in VERDICTS.items()}
    out.print("\n" + ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n))
    return done


def columns(room: int) -> Table:
    """A table of no rows, whose columns are as wide as those of any other."""
    made = table(*HEADINGS)
    made.show_edge, made.padding = False, (0, 1, 0, 0)
    widths = WIDE if room > 60 else NARROW
    between = 2 * len(widths)
    for column, width in zip(made.columns, (*widths, room - sum(widths) - between), strict=True):
        column.width = width
    return made
