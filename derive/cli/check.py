"""`derive check CELL…`."""

from __future__ import annotations

import sys
from itertools import islice

import click

from derive.backends import IN_PYTHON
from derive.cli.common import (
    CELL_HELP,
    JSON,
    NETWORK,
    QUIET,
    SET,
    loaded,
    networks_of,
    reports,
    write_json,
)
from derive.cli.progress import results


@click.command(epilog=CELL_HELP)
@click.argument("cells", nargs=-1, metavar="[CELL]...")
@click.option(
    "--backend",
    type=click.Choice(IN_PYTHON),
    default=IN_PYTHON[0],
    show_default=True,
    help="Whose module is proved; C needs a compiler.",
)
@NETWORK
@SET
@QUIET
@JSON
@reports
def check(
    cells: tuple[str, ...],
    backend: str,
    networks: tuple[str, ...],
    settings: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Prove that everything made of a cell agrees: prints a table, exits with 1 if a row fails."""
    from derive.cell import Cell
    from derive.network.network import Network
    from derive.proof import Part, parts
    from derive.proof.data import proof_data
    from derive.proof.table import print_check

    if not cells and not networks:
        raise click.UsageError("Missing argument 'CELL...'.")
    named: list[Cell | Network] = [loaded(what, settings) for what in cells]
    named += networks_of(networks, cells, settings)
    proofs: list[tuple[Cell | Network, tuple[Part, ...]]]
    proofs = [(one, parts(one, backend)) for one in named]
    tasks = [(f"{cell.name}: {part.name}", part.row) for cell, own in proofs for part in own]
    rows = results(tasks, quiet=quiet)
    done = []
    for number, (cell, own) in enumerate(proofs):
        mine = islice(rows, len(own))
        if as_json:
            done.append((cell, list(mine)))
        else:
            click.echo("\n" * bool(number), nl=False)
            done.append((cell, print_check(cell, mine)))
    if as_json:
        write_json(proof_data(done))
    if any(row.ok is False for _, own in done for row in own):
        sys.exit(1)
