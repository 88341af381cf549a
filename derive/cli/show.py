"""`derive show CELL`."""

from __future__ import annotations

import click

from derive.cli.common import CELL_HELP, SET, loaded, reports


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@SET
@reports
def show(cell: str, settings: tuple[str, ...]) -> None:
    """Show a cell's equations and derived gradients."""
    from derive.display.show import print_cell

    print_cell(loaded(cell, settings))
