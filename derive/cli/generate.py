"""`derive generate [CELL…]`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from derive.backends import BACKENDS, STORES
from derive.cli.common import (
    CELL_HELP,
    FORCE,
    JSON,
    NETWORK,
    QUIET,
    SET,
    keep_others,
    loaded,
    networks_of,
    own_files,
    refuse_place,
    reports,
    tell_written,
)
from derive.cli.progress import Task, results


@click.command(epilog=CELL_HELP)
@click.argument("cells", nargs=-1, metavar="[CELL]...")
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default="numpy",
    show_default=True,
    help="The target: a NumPy module, a JavaScript module, C99, a PyTorch layer, JAX functions, "
    "a Flax layer, an ONNX model, or a page about the cell.",
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
    type=click.Choice(STORES),
    default="all",
    show_default=True,
    help="What forward keeps for backward: all that backward reads; inputs and states only, which "
    "takes less memory and more work; checkpoints, the states before every √T-th step, which takes "
    "the least; or everything, and backward every adjoint, to look at.",
)
@NETWORK
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="AXIS=N",
    help="Of a model: a size, H=32; that of its weights, or 8, unless it is said.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Of a model: its parameters, .npz as params.save(FILE) writes it, .json or .csv. Without "
    "them they are drawn.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Of a model: draws its parameters, as `init` of the NumPy module does; 0 unless said.",
)
@click.option(
    "--float32/--float64",
    "is_single",
    default=None,
    help="Of a model: the type of its numbers; that of its weights, or float32, unless it is said.",
)
@click.option(
    "--ragged",
    is_flag=True,
    default=None,
    help="Of a model: it takes the length of each sequence as well.",
)
@click.option(
    "--scan",
    is_flag=True,
    default=None,
    help="Of a model: a loop of the cell's equations, even where they are those of an operator.",
)
@SET
@FORCE
@QUIET
@JSON
@reports
def generate(
    cells: tuple[str, ...],
    backend: str,
    folder: Path,
    store: str,
    networks: tuple[str, ...],
    settings: tuple[str, ...],
    force: bool,
    quiet: bool,
    as_json: bool,
    **of_a_model: Any,
) -> None:
    """Write the code of cells and networks, of all built-in cells if none is named."""
    from derive.cell import Cell
    from derive.compiler import generate as texts_of
    from derive.compiler import overview
    from derive.library import names
    from derive.network.network import Network
    from derive.render import write_files

    options = told(**of_a_model)

    def derived(what: str) -> tuple[Cell, dict[str, Any]]:
        cell = loaded(what, settings)
        return cell, texts_of(cell, backend, store, **options)

    def composed(network: Network) -> tuple[Network, dict[str, Any]]:
        return network, texts_of(network, backend, store, **options)

    named = cells if cells or networks else names()
    tasks: list[Task[tuple[Cell | Network, dict[str, Any]]]] = []
    tasks += [(f"deriving {what}", partial(derived, what)) for what in named]
    tasks += [
        (f"deriving {n.name}", partial(composed, n)) for n in networks_of(networks, cells, settings)
    ]
    sources = own_files((*cells, *networks))
    files: dict[str, Any] = {}
    owners: dict[Path, str] = {}
    made: list[Cell] = []
    for cell, texts in results(tasks, quiet=quiet):
        for name, text in texts.items():
            refuse_place(folder / name, owners, sources)
            files[name], owners[folder / name] = text, cell.name
        if isinstance(cell, Cell):
            made.append(cell)
    for name, text in ({} if cells or networks else overview(made, backend)).items():
        files[name], owners[folder / name] = text, ""
    keep_others(owners, force)
    write_files(files, folder)
    if cells or networks or as_json:
        tell_written(owners, quiet, as_json)
    elif not quiet:
        click.echo(f"wrote {len(files)} files into {folder}")


def told(
    sizes: tuple[str, ...], weights: Path | None, is_single: bool | None, **others: Any
) -> dict[str, Any]:
    """What a person has said of a model, as `derive.onnx` takes it."""
    from derive.evaluation import reading

    said: partial[dict[str, Any]] = partial(
        dict,
        sizes=reading.sizes(sizes) or None,
        params=reading.weights(weights) if weights else None,
        dtype={None: None, True: "float32", False: "float64"}[is_single],
    )
    return {name: value for name, value in said(**others).items() if value is not None}
