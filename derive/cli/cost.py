"""`derive cost CELL`."""

from __future__ import annotations

import click

from derive.cli.common import CELL_HELP, SET, loaded, reports


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@SET
@reports
def cost(cell: str, settings: tuple[str, ...]) -> None:
    """Show what a cell costs: work, memory and the recurrent path, as functions of its sizes."""
    from derive.compiler import module
    from derive.cost.report import cost_of
    from derive.display.tables import print_cost

    chosen = loaded(cell, settings)
    print_cost(chosen, cost_of(chosen, module(chosen)))
