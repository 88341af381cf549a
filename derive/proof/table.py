"""The proof of a cell as a table in the terminal, row by row as the proof goes on."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from derive.cell import Cell
from derive.display.about import settings
from derive.display.terminal import console
from derive.network.network import Network
from derive.proof import Row

VERDICTS = {True: "ok", False: "FAILED", None: "not run"}
STYLES = {True: "green", False: "bold red", None: "yellow"}
WIDTHS = (18, 7, 15)  # of a row's name, verdict and figure; its remark has what is left
LEAST = 20  # columns for a remark; with less it goes below


def print_check(cell: Cell | Network, rows: Iterable[Row]) -> list[Row]:
    """Print the rows of a proof as they come, then how many came out in which way."""
    out, done = console(), []
    out.print(Text(f"{cell.name}{settings(cell)}: {cell.title}", "bold"))
    out.print(Text("─" * out.width, "dim"))
    for row in rows:
        out.print(shown(row, out.width))
        done.append(row)
    counts = {verdict: sum(row.ok is ok for row in done) for ok, verdict in VERDICTS.items()}
    out.print("\n" + ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n))
    return done


def shown(row: Row, width: int) -> RenderableType:
    """A row of the table, with its remark beside it, or below where there is no room."""
    texts = (row.name, VERDICTS[row.ok], row.figure)
    name, verdict, figure = (t.ljust(room) for t, room in zip(texts, WIDTHS, strict=True))
    head = Text.assemble(name, "  ", (verdict, STYLES[row.ok]), "  ", figure, "  ")
    if width - head.cell_len < LEAST:
        return Group(head, Padding(row.remark, (0, 0, 0, 2)))
    line = Table.grid(Column(width=head.cell_len, no_wrap=True), Column(overflow="fold"))
    line.add_row(head, row.remark)
    return line
