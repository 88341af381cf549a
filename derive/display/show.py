"""A cell in the terminal: its equations and their derivation.

Nothing is wider than 80 columns, and only text comes out where the output is no terminal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import sympy as sp

from derive.adjoint import adjoint
from derive.cell import Cell, Equation
from derive.display.about import inputs, paragraphs, shape
from derive.display.derivation import textbook
from derive.display.terminal import console
from derive.display.unicode import Unicode, lines

if TYPE_CHECKING:  # what uses rich imports it, since that takes its time
    from rich.table import Table


def print_cell(cell: Cell) -> None:
    """Print a cell's equations and what was derived from them."""
    from rich.text import Text

    out = console()
    book = textbook(adjoint(cell))
    printer = Unicode(book)

    def say(text: str, style: str = "") -> None:
        for line in Text(text, style).wrap(out, out.width, overflow="fold"):
            line.rstrip()
            out.print(line)

    def section(heading: str, note: str, equations: Iterable[Equation], total: str = "") -> None:
        say(f"\n{heading}", "bold")
        say(note, "dim")
        for line in lines(printer, equations, total, out.width - 4):
            say("    " + line)

    say(cell.title, "bold")
    for paragraph in paragraphs(cell.doc):
        say(f"\n{paragraph}")
    say("\nQuantities", "bold")
    out.print(_quantities(cell, printer))
    section(
        "One step",
        "A prime marks a state's new value, and x ∘ y is the product entry by entry.",
        book.forward,
    )
    section(
        "Its adjoints, from the last step and equation to the first",
        "A bar marks an adjoint, the derivative of the loss with respect to a quantity; with "
        "[loss] it is what the loss itself gives for the output, with [next] what the next step "
        "has handed back.",
        book.adjoints,
    )
    section(
        "Handed back",
        f"To the step before, where it is [next], and to the {inputs(cell)}.",
        (*book.back, *book.inputs),
    )
    if book.parameters:
        section(
            "Gathered",
            "The parameters serve all steps and sequences: what they receive adds up over both.",
            book.parameters,
            "Σ ",
        )


# --- the rest ------------------------------------------------------------------------------------


def _quantities(cell: Cell, printer: Unicode) -> Table:
    """Input, states, parameters and output with their shapes."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2), pad_edge=True)
    for _ in range(3):
        grid.add_column(overflow="fold")
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    kinds = [(inputs(cell), cell.inputs)]
    kinds += [("step", (cell.number,))] if cell.number else []
    kinds += [("states" if len(cell.states) > 1 else "state", cell.states)]
    for kind, quantities in [*kinds, ("parameters", cell.parameters), ("output", (cell.output,))]:
        for quantity in quantities:
            groups[kind, shape(quantity.axes)].append(printer.symbol(quantity))
    last = ""
    for (kind, size), members in groups.items():
        grid.add_row("  " + (kind if kind != last else ""), ", ".join(members), size)
        last = kind
    starts: dict[str, list[str]] = defaultdict(list)
    for name, value in (*cell.starts.items(), *cell.initial.items()):
        starts[printer.number(sp.Float(value))].append(name)
    values = [f"{name} = {number}" for number, names in starts.items() for name in names]
    if values:
        grid.add_row("  at first", ", ".join(values), "")
    if cell.constants:
        constants = (printer.symbol(p) for p in cell.parameters if p in cell.constants)
        grid.add_row("  not trained", ", ".join(constants), "")
    return grid
