"""The proof of a cell as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from derive.cell import Cell
from derive.display.terminal import console, table
from derive.proof import Row

VERDICTS = {True: "ok", False: "FAILED", None: "not run"}
STYLES = {True: "green", False: "bold red", None: "yellow"}


def print_check(cell: Cell, rows: Sequence[Row]) -> None:
    """Print the rows of a cell's proof, and how many came out in which way."""
    out = console()
    shown = table("check", "", "figure", "remark", title=f"{cell.name}: {cell.title}")
    for row in rows:
        verdict = Text(VERDICTS[row.ok], STYLES[row.ok])
        shown.add_row(row.name, verdict, row.figure, row.remark)
    out.print(shown)
    counts = {verdict: sum(row.ok is ok for row in rows) for ok, verdict in VERDICTS.items()}
    out.print(", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n))
