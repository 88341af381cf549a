"""Finding cells: the built-in ones by name, anybody's by file."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from derive.cell import Cell
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
            raise CellError(f"{text!r} is no setting: write name=value")
        pairs[name] = value
    return pairs


def _load(what: str) -> Cell:
    path_text, _, title = what.partition(".py:")
    if what.endswith(".py") or title:
        return load_file(Path(path_text + ".py" if title else what), title)
    if what not in names():
        close = difflib.get_close_matches(what, names(), 1) or [names()[0]]
        raise CellError(
            f"no cell is called {what!r}; is it {close[0]}? `derive list` names them all; for your "
            f"own, name its file, {what}.py"
        )
    return load_file(FOLDER / f"{what}.py")


def load_file(path: Path, title: str = "") -> Cell:
    """The cell that a file defines, called after the file."""
    if not path.is_file():
        raise CellError(f"there is no file {path}")
    cells = {c.title: c for c in vars(_execute(path)).values() if isinstance(c, Cell)}
    if title and title not in cells:
        raise CellError(
            f"{path}: no cell is called {title!r}; there are {', '.join(cells) or 'none'}"
        )
    if not cells:
        raise CellError(
            f"{path} defines no cell: write `class MyCell(Cell): …` with Cell from derive.language"
        )
    if len(cells) > 1 and not title:
        raise CellError(f"{path} defines {', '.join(cells)}; say which: {path}:{next(iter(cells))}")
    cell = cells[title] if title else next(iter(cells.values()))
    try:
        return replace(cell, name=cell.name if title else path.stem)
    except CellError as error:
        raise CellError(f"{path}: {error}") from None


def _execute(path: Path) -> ModuleType:
    """Run a cell's file as the Python module it is; what goes wrong in it is told with file and
    line."""
    spec = importlib.util.spec_from_file_location(f"_cell_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise CellError(f"{path}:{error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:  # the file's own code may raise anything
        raise CellError(f"{path}:{_line(error, path)}: {_sentence(error)}") from error
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return module


def _line(error: BaseException, path: Path) -> int:
    """The last line of that file that was running."""
    lines = [
        f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path
    ]
    return (lines or [0])[-1] or 0


def _sentence(error: BaseException) -> str:
    if isinstance(error, CellError):
        return str(error)
    if isinstance(error, NameError) and error.name:
        return f"`{error.name}` is not defined"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
