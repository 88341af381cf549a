"""`derive list`."""

from __future__ import annotations

import click

from derive.cli.common import JSON, reports, write_json


@click.command("list")
@JSON
@reports
def list_cells(as_json: bool) -> None:
    """List the built-in cells."""
    from derive.display.tables import all_cells, print_list

    if as_json:
        from derive.display.data.cells import list_data

        write_json(list_data(all_cells()))
    else:
        print_list()
