"""`derive cost CELL`."""

from __future__ import annotations

import click

from derive.cli.common import CELL_HELP, JSON, SET, loaded, reports, write_json


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@SET
@JSON
@reports
def cost(cell: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show what a cell costs: work, memory and the recurrent path, as functions of its sizes."""
    from derive.compiler import module
    from derive.cost.report import cost_of

    chosen = loaded(cell, settings)
    found = cost_of(chosen, module(chosen))
    if as_json:
        from derive.display.data.cost import cost_data

        write_json(cost_data(chosen, found))
    else:
        from derive.display.tables import print_cost

        print_cost(chosen, found)
