"""`derive docs [CELL…] -o DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from derive.cli.common import (
    CELL_HELP,
    FORCE,
    QUIET,
    SET,
    keep_others,
    loaded,
    own_files,
    refuse_place,
    reports,
)
from derive.cli.progress import progress


@click.command(epilog=CELL_HELP)
@click.argument("cells", nargs=-1, metavar="[CELL]...")
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write into.",
)
@SET
@FORCE
@QUIET
@reports
def docs(
    cells: tuple[str, ...], folder: Path, settings: tuple[str, ...], force: bool, quiet: bool
) -> None:
    """Build the atlas: a static site of cells, all built-in ones if none is named."""
    from derive.library import names
    from derive.render import is_ours
    from derive.site.build import files, write

    chosen = [loaded(what, settings) for what in cells or names()]
    work = progress(len(chosen), quiet=quiet)
    with work.shown():
        made = files(chosen, work.at)
    sources = own_files(cells)
    for path in made:
        refuse_place(folder / path, (), sources)
    if not is_ours(folder / "index.html"):  # which tells an atlas, that may be built anew
        keep_others([folder / path for path in ("index.html", *made)], force)
    write(made, folder)
    if not quiet:
        click.echo(f"wrote {len(made)} files into {folder}; open {folder / 'index.html'}")
