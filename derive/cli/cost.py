"""`derive cost CELL`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from derive.cli.common import CELL_HELP, JSON, SET, loaded, reports, write_json

if TYPE_CHECKING:
    from derive.cell import Cell
    from derive.nodes import Axis


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@click.option(
    "--at",
    "at",
    metavar="'T=1000 B=32 …'",
    help="So many steps and sequences, and a length for each letter of the cell's sizes: the peak "
    "memory of its NumPy module is then shown, for all that --store may be.",
)
@SET
@JSON
@reports
def cost(cell: str, at: str | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Show what a cell costs: work, memory and the recurrent path, as functions of its sizes."""
    from derive.backends.numpy.memory import peaks
    from derive.compiler import module
    from derive.cost.report import cost_of

    chosen = loaded(cell, settings)
    peak = peaks(chosen, *_sizes(chosen, at)) if at is not None else {}
    found = cost_of(chosen, module(chosen))
    if as_json:
        from derive.display.data.cost import cost_data

        write_json(cost_data(chosen, found) | ({"peak": peak} if peak else {}))
    else:
        from derive.display.tables import print_cost, print_peaks

        print_cost(chosen, found)
        if at is not None:
            print_peaks(at, peak)


def _sizes(cell: Cell, at: str) -> tuple[int, int, dict[Axis, int]]:
    """Steps, sequences and the lengths of the cell's axes; CellError where one is not said."""
    from derive.nodes import CellError, H, I

    axes = [a for a in cell.axes if a != I or not cell.input_is_wide]
    letters = ["T", "B", *(a.letter for a in axes)]
    parts = dict(part.partition("=")[::2] for part in at.replace(",", " ").split())
    if sorted(parts) != sorted(letters) or not all(n.isdigit() and int(n) for n in parts.values()):
        needed = " ".join(f"{letter}=…" for letter in letters)
        raise CellError(f"--at takes {needed}, each a positive integer, and not {at!r}")
    lengths = {axis: int(parts[axis.letter]) for axis in axes}
    if cell.input_is_wide:
        lengths[I] = lengths[H]
    return int(parts["T"]), int(parts["B"]), lengths
