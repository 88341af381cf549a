"""The command. What a subcommand needs is imported when it runs, so that ``derive --help`` answers
at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Any

import click

from derive import VERSION
from derive.backends import BACKENDS

CELL_HELP = (
    "CELL is the name of a built-in cell (see `derive list`) or a file of your own, `mycell.py`. "
    "Options of the cell may stand behind it: `gru:reset=after`."
)
SET = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set an option or a constant of the cell; may be repeated. What stands behind a cell's "
    "name goes first.",
)


class OneLine(click.ClickException):
    """Bad input: one line on standard error, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"derive: {self.message}", file, err=True)


def loaded(what: str, settings: tuple[str, ...]) -> Any:
    """The cell that a person named, with what they set."""
    from derive.library import load, setting_pairs

    return load(what, setting_pairs(settings))


def reports(command: Callable[..., Any]) -> Callable[..., Any]:
    """Report errors that a person can correct as one clear line."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from derive.nodes import CellError

        try:
            return command(*args, **kwargs)
        except CellError as error:
            raise OneLine(" ".join(str(error).split())) from error
        except OSError as error:
            raise OneLine(f"{error.filename}: {error.strerror}") from error

    return wrapped


@contextmanager
def usage_in_one_line() -> Iterator[None]:
    """Report click's usage errors in one line, as all others."""
    try:
        yield
    except click.UsageError as error:
        raise OneLine(" ".join(error.format_message().split())) from error


class Commands(click.Group):
    """The subcommands. Without arguments click shows the help, by an exception of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with usage_in_one_line() if args else nullcontext():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with usage_in_one_line():
            return super().invoke(ctx)


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(VERSION, prog_name="derive")
def main() -> None:
    """Derive, print, generate and prove recurrent cells from their equations."""


@main.command("list")
@reports
def list_cells() -> None:
    """List the built-in cells."""
    from derive.display.tables import print_list

    print_list()


@main.command(epilog=CELL_HELP)
@click.argument("cell")
@SET
@reports
def show(cell: str, settings: tuple[str, ...]) -> None:
    """Show a cell's equations and derived gradients."""
    from derive.display.show import print_cell

    print_cell(loaded(cell, settings))


@main.command(epilog=CELL_HELP)
@click.argument("cell")
@click.option(
    "--standalone", is_flag=True, help="A whole document that compiles, not just its equations."
)
@SET
@reports
def latex(cell: str, standalone: bool, settings: tuple[str, ...]) -> None:
    """Print a cell's equations and their adjoints as LaTeX."""
    from derive.display.latex import document, fragment

    click.echo((document if standalone else fragment)(loaded(cell, settings)), nl=False)


@main.command(epilog=CELL_HELP)
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
    type=click.Choice(["all", "states"]),
    default="all",
    show_default=True,
    help="What forward keeps for backward: all that backward reads, or inputs and states only, "
    "which takes less memory and more work.",
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


@main.command(epilog=CELL_HELP)
@click.argument("old", metavar="CELL")
@click.argument("new", metavar="CELL")
@click.option("--latex", is_flag=True, help="As LaTeX, for a document with amsmath and xcolor.")
@click.option("--standalone", is_flag=True, help="As a LaTeX document that compiles.")
@reports
def diff(old: str, new: str, latex: bool, standalone: bool) -> None:
    """Show what changes from one cell to another: equations and gradients."""
    cells = loaded(old, ()), loaded(new, ())
    if latex or standalone:
        from derive.display.compare.latex import document, fragment

        click.echo((document if standalone else fragment)(*cells), nl=False)
    else:
        from derive.display.compare.shown import print_difference

        print_difference(*cells)


@main.command(epilog=CELL_HELP)
@click.argument("cell")
@SET
@reports
def cost(cell: str, settings: tuple[str, ...]) -> None:
    """Show what a cell costs: work, memory and the recurrent path, as functions of its sizes."""
    from derive.compiler import module
    from derive.cost.report import cost_of
    from derive.display.tables import print_cost

    chosen = loaded(cell, settings)
    print_cost(chosen, cost_of(chosen, module(chosen)))


@main.command(epilog=CELL_HELP)
@click.argument("cells", nargs=-1, required=True, metavar="CELL...")
@SET
@reports
def check(cells: tuple[str, ...], settings: tuple[str, ...]) -> None:
    """Prove that everything made of a cell agrees: prints a table, exits with 1 if a row fails."""
    from derive.check import check as proved
    from derive.check.table import print_check

    failed = False
    for cell in (loaded(what, settings) for what in cells):
        progress(f"checking {cell.name}")
        rows = proved(cell)
        progress("")
        print_check(cell, rows)
        failed |= any(row.ok is False for row in rows)
    if failed:
        sys.exit(1)


def progress(text: str) -> None:
    """Show progress on the last line of a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
