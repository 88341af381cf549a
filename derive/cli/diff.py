"""`derive diff A B`."""

from __future__ import annotations

import click

from derive.cli.common import CELL_HELP, JSON, OneLine, loaded, reports, write_json


@click.command(epilog=CELL_HELP)
@click.argument("old", metavar="CELL")
@click.argument("new", metavar="OTHER")
@click.option("--latex", is_flag=True, help="As LaTeX, for a document with amsmath and xcolor.")
@click.option("--standalone", is_flag=True, help="As a LaTeX document that compiles.")
@JSON
@reports
def diff(old: str, new: str, latex: bool, standalone: bool, as_json: bool) -> None:
    """Show what changes from one cell to another: equations and gradients."""
    if as_json and (latex or standalone):
        raise OneLine("one form at a time: --json does not go together with LaTeX")
    cells = loaded(old, ()), loaded(new, ())
    if as_json:
        from derive.display.data.difference import difference_data

        write_json(difference_data(*cells))
    elif latex or standalone:
        from derive.display.compare.latex import document, fragment

        click.echo((document if standalone else fragment)(*cells), nl=False)
    else:
        from derive.display.compare.shown import print_difference

        print_difference(*cells)
