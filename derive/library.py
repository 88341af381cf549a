"""Finding cells: the built-in ones by name, anybody's by file."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from derive.cell import Cell
from derive.nodes import CellError

FOLDER = Path(__file__).parent / "cells"


def names() -> list[str]:
    """The built-in cells, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def load(what: str) -> Cell:
    """The cell of that name, or the one in that file; ``file.py:Title`` chooses among several in
    one file.

    Raises CellError, in one sentence, where there is none or where its equations are wrong.
    """
    path_text, _, title = what.partition(".py:")
    if what.endswith(".py") or title:
        return load_file(Path(path_text + ".py" if title else what), title)
    if what not in names():
        raise CellError(
            f"no cell is called {what!r}; there are {', '.join(names())}; for your own, name its "
            f"file, {what}.py"
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
