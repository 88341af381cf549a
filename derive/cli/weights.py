"""`derive weights CELL FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from derive.cli.common import (
    CELL_HELP,
    FORCE,
    JSON,
    QUIET,
    SET,
    OneLine,
    keep_others,
    loaded,
    reports,
    write_json,
)

if TYPE_CHECKING:
    from derive.cell import Cell
    from derive.weights.convert import Converted

LIBRARY_HELP = (
    "LIBRARY is torch, keras, onnx or flax, or one of its layers, such as flax.nnx.GRUCell. Files "
    "end in .npz or .safetensors; weights are read from .onnx, too."
)


@click.command(epilog=f"{CELL_HELP} {LIBRARY_HELP}")
@click.argument("cell")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "origin", metavar="LIBRARY", help="FILE has a layer of this library.")
@click.option("--to", "target", metavar="LIBRARY", help="FILE has the cell's parameters.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; without it, what would go where is shown alone.",
)
@click.option(
    "--prefix",
    help="What stands before the names of the library's arrays, such as encoder.rnn. with its dot; "
    "in an .onnx the name of the node.",
)
@click.option(
    "--layer",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The number of the layer, where several are one above the other.",
)
@click.option("--reverse", is_flag=True, help="The layer that runs backwards.")
@SET
@FORCE
@QUIET
@JSON
@reports
def weights(
    cell: str,
    file: Path,
    origin: str | None,
    target: str | None,
    output: Path | None,
    prefix: str | None,
    layer: int,
    reverse: bool,
    settings: tuple[str, ...],
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Take a layer's weights from another library, or hand a cell's to one.

    Which parameter becomes which is found from the equations of both, and proved. Where these are
    not the same, the first that differ are the answer.
    """
    from derive.weights.shown import conversion_data, print_conversion

    if (origin is None) == (target is None):
        raise OneLine("say either --from LIBRARY or --to LIBRARY")
    own = loaded(cell, settings)
    if origin is not None:
        done = _from(own, origin, file, prefix, layer, reverse)
    else:
        done = _to(own, str(target), file, prefix or "", layer, reverse)
    if output is not None:
        _write(own, done, output, force)
    if as_json:
        write_json(conversion_data(own, done, None if output is None else str(output)))
    elif not quiet:
        print_conversion(own, done, file.name)
        if output is not None:
            click.echo(f"wrote {output}")


def _from(
    cell: Cell, library: str, file: Path, prefix: str | None, layer: int, reverse: bool
) -> Converted:
    """The cell's parameters from a file of the library's."""
    from derive.weights.convert import from_library
    from derive.weights.files import read
    from derive.weights.onnx_file import from_onnx

    if file.suffix != ".onnx":
        arrays = read(file)
        return from_library(cell, library, arrays, prefix=prefix, layer=layer, reverse=reverse)
    if library.partition(".")[0] != "onnx":
        raise OneLine(f"{file} has its weights as ONNX has them: say --from onnx")
    return from_onnx(cell, file, prefix, reverse=reverse)


def _to(cell: Cell, library: str, file: Path, prefix: str, layer: int, reverse: bool) -> Converted:
    """The library's arrays from a file of the cell's parameters."""
    from derive.weights.convert import to_library
    from derive.weights.files import read

    return to_library(cell, library, read(file), prefix=prefix, layer=layer, reverse=reverse)


def _write(cell: Cell, done: Converted, output: Path, force: bool) -> None:
    """Write the arrays; with the sizes, where they are the cell's and NumPy's."""
    from derive.render import write_files
    from derive.weights.files import with_sizes, written

    is_own = done.fit.match.target is cell and output.suffix == ".npz"
    arrays = with_sizes(cell, done.arrays) if is_own else done.arrays
    content = written(arrays, output)
    keep_others([output], force)
    write_files({output.name: content}, output.parent)
