"""Finding cells: the built-in ones by name, a user's own by file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from derive.cell import Cell, Map
from derive.language.loading import execute
from derive.language.options import chosen
from derive.nodes import CellError

FOLDER = Path(__file__).parent / "cells"


def names() -> list[str]:
    """The built-in cells, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def load(what: str, settings: Mapping[str, str] | None = None) -> Cell:
    """The cell of that name, or the one in that file, with its options set.

    ``file.py:Title`` chooses among several cells in one file. Options and constants come from
    `settings`, or stand behind the name: ``gru:reset=after``, ``file.py:Title:dt=0.1,depth=3``.

    Raises CellError, in one sentence, where there is no such cell or option, or where its equations
    are wrong.
    """
    what, own = split(what)
    settings = {**(settings or {}), **own}
    with chosen(settings):
        cell = _load(what)
    known = [setting.name for setting in cell.options]
    for name in settings:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise CellError(f"{cell.name} has no option `{name}`; {has}")
    return cell


def is_built_in(cell: Cell) -> bool:
    """Whether it is one of the built-in cells, whatever its options, and no other of that name."""
    own = load(cell.name) if cell.name in names() else None
    return own is not None and (own.title, own.doc) == (cell.title, cell.doc)


def split(what: str) -> tuple[str, dict[str, str]]:
    """A cell's name or file, and the settings that stand behind it."""
    head, colon, last = what.rpartition(":")
    if not colon or "=" not in last:
        return what, {}
    return head, setting_pairs(last.split(","))


def setting_pairs(texts: Iterable[str]) -> dict[str, str]:
    """``name=value`` pairs, by name."""
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise CellError(f"{text!r} is not a setting: write name=value")
        pairs[name] = value
    return pairs


def file_of(what: str) -> Path | None:
    """The file that a person named, whatever stands behind its name; None for a built-in cell."""
    return _place(split(what)[0])[0]


def _place(what: str) -> tuple[Path | None, str]:
    """The file that is named, if one is, and the title of the cell in it, if that is."""
    path, _, title = what.partition(".py:")
    if title:
        return Path(f"{path}.py"), title
    return (Path(what) if what.endswith(".py") else None), ""


def _load(what: str) -> Cell:
    file, title = _place(what)
    if file is not None:
        return load_file(file, title)
    if what not in names():
        raise CellError(_not_found(what))
    return load_file(FOLDER / f"{what}.py")


def _not_found(what: str) -> str:
    """The error message for a cell that was not found, with a guess at what was meant."""
    if Path(what).is_dir():
        return f"{what!r} is a folder; name a cell's file in it, which ends in .py"
    if Path(what).is_file():
        return f"{what!r} is not a cell's file: its name must end in .py"
    name, colon, setting = what.partition(":")
    if colon and name in names():
        return f"{setting!r} is not a setting: write {name}:option=value"
    close = difflib.get_close_matches(name.lower(), names(), 1)
    return (
        f"no cell is called {what!r}{f'; is it {close[0]}?' if close else ';'} `derive list` names "
        f"them all, and a file of your own ends in .py"
    )


def load_file(path: Path, title: str = "") -> Cell:
    """The cell that a file defines, called after the file."""
    if not path.is_file():
        raise CellError(f"there is no file {path}")
    defined = vars(execute(path)).values()
    cells = {c.title: c for c in defined if isinstance(c, Cell) and not isinstance(c, Map)}
    if title and title not in cells:
        raise CellError(
            f"{path}: no cell is called {title!r}; there are {', '.join(cells) or 'none'}"
        )
    if not cells:
        raise CellError(
            f"{path} defines no cell: write `class MyCell(Cell): …` with Cell from "
            f"derive.language; of a network, say --network {path}"
        )
    if len(cells) > 1 and not title:
        raise CellError(f"{path} defines {', '.join(cells)}; say which: {path}:{next(iter(cells))}")
    cell = cells[title] if title else next(iter(cells.values()))
    try:
        return replace(cell, name=cell.name if title else path.stem)
    except CellError as error:
        raise CellError(f"{path}: {error}") from None
