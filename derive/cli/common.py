"""What the subcommands share: how they are given a cell, and how they say what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
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


def progress(text: str) -> None:
    """Show progress on the last line of a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
