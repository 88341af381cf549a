"""`derive show CELL`."""

from __future__ import annotations

import click

from derive.cli.common import CELL_HELP, JSON, SET, loaded, reports, write_json


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@SET
@JSON
@reports
def show(cell: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show a cell's equations and derived gradients."""
    chosen = loaded(cell, settings)
    if as_json:
        from derive.display.data.cells import cell_data

        write_json(cell_data(chosen))
    else:
        from derive.display.show import print_cell

        print_cell(chosen)
