"""`derive build CELL…`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

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
from derive.cli.progress import results


@click.command(epilog=CELL_HELP)
@click.argument("cells", nargs=-1, metavar="[CELL]...")
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
    type=click.Choice(["all", "states", "checkpoints"]),
    default="all",
    show_default=True,
    help="What forward keeps for backward: all that backward reads; inputs and states only; or the "
    "states before every √T-th step, which takes the least memory.",
)
@click.option(
    "--portable",
    is_flag=True,
    help="For any machine of this processor's family, and slower: else it is built for this one.",
)
@click.option(
    "--torch",
    "for_torch",
    is_flag=True,
    help="The module is a layer for PyTorch, as `generate --backend torch` writes it, which calls "
    "the compiled code where it can.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show every command of the compiler.")
@NETWORK
@SET
@FORCE
@QUIET
@JSON
@reports
def build(
    cells: tuple[str, ...],
    folder: Path,
    store: str,
    portable: bool,
    for_torch: bool,
    verbose: bool,
    networks: tuple[str, ...],
    settings: tuple[str, ...],
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Compile cells and networks, each to a module for Python with the interface of the NumPy
    module, or cells to a layer for PyTorch.

    The compiler is the one that CC names, else the system's. CFLAGS are added to its flags.
    """
    from derive.build import arrays, built, tensors
    from derive.cell import Cell
    from derive.network.network import Network
    from derive.render import write_files

    if not cells and not networks:
        raise click.UsageError("Missing argument 'CELL...'.")
    interface = tensors if for_torch else arrays
    tell: Callable[[str], None] = partial(click.echo, err=True) if verbose else lambda _: None

    def compiled(load: Callable[[], Cell | Network]) -> tuple[Cell | Network, dict[str, bytes]]:
        cell = load()
        return cell, built(cell, store, tell, interface, portable=portable)

    wanted: list[tuple[str, Callable[[], Cell | Network]]]
    wanted = [(what, partial(loaded, what, settings)) for what in cells]
    for network in networks_of(networks, cells, settings):
        wanted.append((network.name, partial(lambda one: one, network)))
    tasks = [(f"compiling {what}", partial(compiled, load)) for what, load in wanted]
    sources = own_files((*cells, *networks))
    files: dict[str, bytes] = {}
    owners: dict[Path, str] = {}
    for cell, contents in results(tasks, quiet=quiet):
        for name, content in contents.items():
            refuse_place(folder / name, owners, sources)
            files[name], owners[folder / name] = content, cell.name
    keep_others(owners, force)
    write_files(files, folder)
    tell_written(owners, quiet, as_json)
