"""`derive diagram CELL -o FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from derive.cli.common import CELL_HELP, SET, loaded, reports


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@click.option(
    "-o",
    "--output",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .svg, .tex (TikZ), or .png where a converter is there.",
)
@SET
@reports
def diagram(cell: str, file: Path, settings: tuple[str, ...]) -> None:
    """Draw a cell from its equations."""
    from derive.display.diagram.draw import scene
    from derive.display.diagram.svg import svg
    from derive.render import write_files

    (path,) = write_files({file.name: svg(scene(loaded(cell, settings)))}, file.parent)
    click.echo(f"wrote {path}")
