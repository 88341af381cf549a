"""`derive list`."""

from __future__ import annotations

import click

from derive.cli.common import reports


@click.command("list")
@reports
def list_cells() -> None:
    """List the built-in cells."""
    from derive.display.tables import print_list

    print_list()
