"""Cells at a glance: all of them in a list, and what one of them costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import sympy as sp
from rich.cells import cell_len
from rich.text import Text

from derive.cell import Cell, Setting
from derive.cost.measured import KINDS
from derive.cost.predicted import size, text
from derive.cost.report import CellCost, once, per_step
from derive.cost.words import WORDS
from derive.display.about import paper
from derive.display.terminal import WIDTH, console, listed, table
from derive.library import load, names

if TYPE_CHECKING:
    from rich.table import Table

HEADINGS = ("cell", "paper", "states", "gates", "parameters")
USUAL, WIDEST = (24, 19, 9, 7, 15), 140  # of the list: its columns, and all that it may take
FIRST = ("Simple", "LSTM", "GRU")  # the families in the order of a course; others follow by name


def all_cells() -> list[Cell]:
    """The built-in cells by family."""
    return by_family(map(load, names()))


def by_family(cells: Iterable[Cell]) -> list[Cell]:
    """Cells by family, in the order of a course, and by name."""
    return sorted(cells, key=lambda cell: (_rank(cell.family), cell.name))


def print_list() -> None:
    """Print the built-in cells by family, each with its paper, states, gates and parameters."""
    out, cells = console(WIDEST), all_cells()
    rows = table(*HEADINGS)
    rows.padding = 0
    found = {cell.name: _row(cell) for cell in cells}
    for column, width in zip(rows.columns, _widths(found.values(), out.width), strict=True):
        column.width = width
    for family, members in groupby(cells, key=lambda cell: cell.family):
        rows.add_row(Text(family, "bold"))
        for cell in members:
            rows.add_row(*found[cell.name])
        rows.add_section()
    out.print(rows)
    settable = [cell for cell in cells if cell.options]
    out.print(Text("Options, as in `derive show gru --set reset=after`", "bold"))
    for cell in settable:
        out.print(f"  {cell.name}: {', '.join(map(_choices, cell.options))}")


def _row(cell: Cell) -> tuple[str, ...]:
    """A cell in the list, in the order of HEADINGS."""
    gates = (str(gate).removesuffix("_next") for gate in cell.gates)
    cited = short(paper(cell.doc))
    return f" {cell.name}", cited, _names(cell.states), _names(gates), parameters(cell)


def _widths(rows: Iterable[Sequence[str]], room: int) -> Iterator[int]:
    """How wide the columns are: as much as in a terminal of usual width and, where there is more
    room, as what stands in them needs, from the left."""
    spare = max(room - WIDTH, 0)
    for entries, usual in zip(zip(*rows, strict=True), USUAL, strict=True):
        width = min(max(*map(cell_len, entries), usual), usual + spare)
        spare -= width - usual
        yield width


def _names(things: Iterable[object]) -> str:
    return " ".join(map(str, things))


def _choices(setting: Setting) -> str:
    """An option with all it may be, the default first; a number with the one it is."""
    return f"{setting.name} = {' or '.join(setting.choices) or setting.value}"


def short(work: str) -> str:
    """A paper as it is cited in passing: ``Elman 1990``, ``Hochreiter & Schmidhuber 1997``,
    ``Gers et al. 2000``."""
    authors, _, year = work.rpartition(" (")
    if not year:
        return ""
    first, *others = (name.split()[-1:] for name in re.split(r", | & | (?=et al\.)", authors))
    are_two = len(others) == 1 and others[0] != ["al."]
    cited = [*first, "&", *others[0]] if are_two else [*first, *["et al."] * bool(others)]
    return f"{' '.join(cited)} {year.rstrip(')')}"


def _rank(family: str) -> tuple[int, str]:
    return (FIRST.index(family) if family in FIRST else len(FIRST), family)


def parameters(cell: Cell) -> str:
    """The number of entries in all parameters of a cell."""
    return text(sp.Add(*(size(p.axes) for p in cell.parameters)))


def print_cost(cell: Cell, found: CellCost) -> None:
    """Print what a cell costs, as functions of its sizes."""
    out = console()
    out.print(Text(f"{cell.name}: {cell.title}", "bold"))
    out.print(_work(found, "For each step of each sequence", KINDS[:-1], per_step))
    out.print(_work(found, "Besides, for each call", KINDS[:-1], once))
    calls = _work(found, "Calls of NumPy", ("calls",), lambda count: count)
    out.print(calls)
    four, eight = (text(n * found.kept) for n in (4, 8))
    out.print(f"Parameters: {text(found.parameters)} numbers.")
    out.print(
        f"Kept for backward, for each step of each sequence: {text(found.kept)} numbers, that is "
        f"{four} bytes in float32 and {eight} in float64."
    )
    out.print(
        f"Recurrent path: {text(found.recurrent)} multiply-adds of a step wait for the one before, "
        f"and {found.depth} operations follow one another from a state to a new state."
    )

    out.print(Text("\nWhat each rule of the program saves", "bold"))
    savings = listed()
    for saving in found.savings:
        savings.add_row(Text(saving.rule, "bold"), saving.routine, saving.what)
    out.print(savings)

    out.print(Text("\nWhat the words mean", "bold"))
    kinds = {kind for work in found.work.values() for kind, count in work.items() if count != 0}
    said = {saving.rule for saving in found.savings} | {*found.work} | kinds
    words = listed()
    for word, meaning in WORDS.items():
        if word in said:
            words.add_row(Text(word, "bold"), meaning)
    out.print(words)


def print_peaks(at: str, peaks: Mapping[str, int]) -> None:
    """Print the peak memory of forward and backward, for each choice of what is kept."""
    rows = table(f"Peak memory, for {at}", "numbers", "MB in float32", "MB in float64")
    for store, count in peaks.items():
        rows.add_row(f"--store {store}", f"{count:,}", *(f"{n * count / 1e6:,.1f}" for n in (4, 8)))
    console().print(rows)


def _work(
    found: CellCost, title: str, kinds: Sequence[str], part: Callable[[sp.Expr], sp.Expr]
) -> Table:
    """Work by kind and routine; a row for each kind that there is."""
    rows = table(title, *found.work)
    for kind in kinds:
        counts = [part(work[kind]) for work in found.work.values()]
        if any(counts):
            rows.add_row(kind, *map(text, counts))
    return rows
