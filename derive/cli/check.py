"""`derive check CELL…`."""

from __future__ import annotations

import sys

import click

from derive.cli.common import CELL_HELP, SET, loaded, progress, reports


@click.command(epilog=CELL_HELP)
@click.argument("cells", nargs=-1, required=True, metavar="CELL...")
@SET
@reports
def check(cells: tuple[str, ...], settings: tuple[str, ...]) -> None:
    """Prove that everything made of a cell agrees: prints a table, exits with 1 if a row fails."""
    from derive.proof import check as proved
    from derive.proof.table import print_check

    failed = False
    for cell in (loaded(what, settings) for what in cells):
        progress(f"checking {cell.name}")
        rows = proved(cell)
        progress("")
        print_check(cell, rows)
        failed |= any(row.ok is False for row in rows)
    if failed:
        sys.exit(1)
