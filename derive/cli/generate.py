"""`derive generate [CELL…]`."""

from __future__ import annotations

from pathlib import Path

import click

from derive.backends import BACKENDS
from derive.cli.common import CELL_HELP, SET, OneLine, loaded, progress, reports


@click.command(epilog=CELL_HELP)
@click.argument("cells", nargs=-1, metavar="[CELL]...")
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="numpy",
    show_default=True,
    help="The target language.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write into.",
)
@click.option(
    "--store",
    type=click.Choice(["all", "states", "everything"]),
    default="all",
    show_default=True,
    help="What forward keeps for backward: all that backward reads; inputs and states only, which "
    "takes less memory and more work; or everything, and backward every adjoint, to look at.",
)
@SET
@reports
def generate(
    cells: tuple[str, ...], backend: str, folder: Path, store: str, settings: tuple[str, ...]
) -> None:
    """Write the code of cells, all built-in ones if none is named."""
    from derive.compiler import generate as texts_of
    from derive.library import names
    from derive.render import write_files

    chosen = cells or names()
    files: dict[str, str] = {}
    sources = {Path(what.partition(".py:")[0]).resolve() for what in cells}
    for number, what in enumerate(chosen, start=1):
        progress(f"[{number}/{len(chosen)}] deriving {what}")
        for name, text in texts_of(loaded(what, settings), backend, store).items():
            if name in files:
                raise OneLine(
                    f"two of the cells would both be written to {name}; give their files different "
                    f"names"
                )
            if (folder / name).resolve() in sources:
                raise OneLine(
                    f"{folder / name} is the cell's own file; name another folder with -o"
                )
            files[name] = text
    progress("")
    for path in write_files(files, folder):
        click.echo(f"wrote {path}")
