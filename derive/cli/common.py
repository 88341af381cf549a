"""What the subcommands share: how they are given a cell, and how they say what is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

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

NETWORK = click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="FILE",
    help="A network of cells, in a file of your own; may be repeated. See docs/networks.md.",
)

QUIET = click.option(
    "-q", "--quiet", is_flag=True, help="Show no progress, and say nothing of files written."
)
FORCE = click.option(
    "--force", is_flag=True, help="Write over files that are there and that we did not write, too."
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="The answer for programs; see docs/json.md."
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


def networks_of(
    files: Iterable[str], cells: tuple[str, ...], settings: tuple[str, ...]
) -> list[Any]:
    """The networks in the files that a person named; bad input where something is set, and only
    networks are there."""
    from derive.network.loading import load

    if settings and not cells:
        raise OneLine(
            "--set is for cells; options of a network's cells stand behind their names: "
            'Layer("gru:reset=after", 64)'
        )
    return [load(file) for file in files]


def own_files(cells: Iterable[str]) -> set[Path]:
    """The files that people's own cells are in, which nothing is to be written over."""
    from derive.library import file_of

    return {file.resolve() for file in map(file_of, cells) if file is not None}


def refuse_place(path: Path, taken: Container[Path], sources: Container[Path]) -> None:
    """Bad input where a file would be written twice, or over the cell that it is made from."""
    if path in taken:
        raise OneLine(
            f"two of the cells would both be written to {path.name}; give their files different "
            f"names"
        )
    if path.resolve() in sources:
        raise OneLine(f"{path} is the cell's own file; name another folder with -o")


def keep_others(paths: Iterable[Path], force: bool) -> None:
    """Bad input where a file that somebody else wrote would be written over, unless by force."""
    from derive.render import is_ours

    for path in paths:
        if path.exists() and not force and not is_ours(path):
            raise OneLine(
                f"{path} is there, and we did not write it; name another folder, or say --force"
            )


def drop_what_is_not_taken() -> None:
    """Forget what is still to be printed where nothing can be, on a full disk: Python would try
    once more when it ends, and say so."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reports(command: Callable[..., Any]) -> Callable[..., Any]:
    """Report errors that a person can correct as one clear line."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from derive.nodes import CellError

        try:
            return command(*args, **kwargs)
        except CellError as error:
            raise OneLine(" ".join(str(error).split())) from error
        except BrokenPipeError:  # whoever reads has read enough, as `head` does: click sees to it
            raise
        except OSError as error:
            drop_what_is_not_taken()
            where = f"{error.filename}: " if error.filename else ""
            raise OneLine(f"{where}{error.strerror or error}") from error
        except RecursionError as error:
            raise OneLine(
                "a formula is nested too deeply: give its parts names of their own"
            ) from error

    return wrapped


def write_json(data: object) -> None:
    """Print an answer for programs: all of it or, where there was an error, nothing."""
    import json

    click.echo(json.dumps(data, indent=1, allow_nan=False))


def tell_written(paths: Mapping[Path, str], quiet: bool, as_json: bool) -> None:
    """Name the files that were written, each with the cell that it was made from; "" where that
    was several."""
    if as_json:
        files = [{"cell": cell or None, "path": str(path)} for path, cell in paths.items()]
        write_json({"files": files})
    elif not quiet:
        for path in paths:
            click.echo(f"wrote {path}")
