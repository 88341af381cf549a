"""Common to all output in a terminal: width, encoding, tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 80


def table(*headings: str, title: str | None = None) -> Table:
    """A table with one line under its headings."""
    from rich import box
    from rich.table import Table

    made = Table(*headings, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in made.columns:
        column.overflow = "fold"
    return made


def listed() -> Table:
    """A table without lines or headings."""
    from rich.table import Table

    return Table.grid(padding=(0, 1))


def console(widest: int = WIDTH) -> Console:
    """A console that is no wider than this and prints text literally, in UTF-8."""
    from rich.console import Console

    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if not encoding.lower().startswith("utf") and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    made = Console(highlight=False, markup=False, emoji=False)
    made.width = min(made.width, widest)
    return made
