"""`derive latex CELL`."""

from __future__ import annotations

import click

from derive.cli.common import CELL_HELP, SET, loaded, reports


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@click.option(
    "--standalone", is_flag=True, help="A whole document that compiles, not just its equations."
)
@SET
@reports
def latex(cell: str, standalone: bool, settings: tuple[str, ...]) -> None:
    """Print a cell's equations and their adjoints as LaTeX."""
    from derive.display.latex import document, fragment

    click.echo((document if standalone else fragment)(loaded(cell, settings)), nl=False)
