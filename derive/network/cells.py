"""Whose equations a network is made of: a cell's, an output's, a loss's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from derive import library
from derive.cell import Cell, Map
from derive.language.loading import execute
from derive.network.network import Loss
from derive.nodes import CellError

MAPS = Path(__file__).parent / "maps"
OUTPUT = "affine"  # the one of them that is no loss
_FOLDER: ContextVar[Path] = ContextVar("folder")


@contextmanager
def beside(file: Path) -> Iterator[None]:
    """While it lasts, the files of cells are looked for beside that file."""
    token = _FOLDER.set(file.parent)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def cell_of(what: object) -> Cell:
    """The cell of a class statement, of that name, or in that file."""
    if isinstance(what, Cell):
        return what
    if not isinstance(what, str):
        raise CellError(f"{what!r} is no cell: name one, or its file, or give its class")
    file = library.file_of(what)
    if file is None or file.is_absolute():
        return library.load(what)
    return library.load(str(_FOLDER.get(Path()) / what))


def losses() -> list[str]:
    """The losses that there are, in alphabetical order."""
    return sorted(path.stem for path in MAPS.glob("*.py") if path.stem != OUTPUT)


def map_of(name: str) -> Map:
    """The map of that name."""
    found = vars(execute(MAPS / f"{name}.py")).values()
    (made,) = (one for one in found if isinstance(one, Map))
    return replace(made, name=name)


def loss_of(output: str, what: object, given: Mapping[str, Iterable[float]]) -> Loss | None:
    """The loss of that name, or of a class statement, with the values of its own vectors; its sizes
    are still open."""
    if what is None and not given:
        return None
    if isinstance(what, Map):
        found = what
    elif isinstance(what, str) and what in losses():
        found = map_of(what)
    else:
        raise CellError(
            f"output `{output}`: no loss is called {what!r}; there are {', '.join(losses())}"
        )
    _check(output, found)
    own = {p.name: p for p in found.parameters}
    for name in sorted(own.keys() ^ given.keys()):
        said = f"needs {name}=[…]" if name in own else f"has no `{name}`"
        raise CellError(f"output `{output}`: the loss {found.name} {said}")
    values = {own[name]: _numbers(output, name, some) for name, some in given.items()}
    if len({len(some) for some in values.values()}) > 1:
        raise CellError(f"output `{output}`: {' and '.join(given)} are not of one length")
    return Loss(found, {}, values)


def _check(output: str, loss: Map) -> None:
    """CellError where equations are no loss."""
    y, *others = loss.inputs
    if len(others) != 1 or len(y.axes) != 1 or loss.output.axes or loss.axes != y.axes:
        raise CellError(
            f"output `{output}`: a loss makes one number of two inputs, the output, which is a "
            f"vector, and its target; {loss.title} does not"
        )
    for p in loss.parameters:
        if p in loss.trained or p.name in loss.entries or p.axes != y.axes:
            raise CellError(
                f"output `{output}`: the parameter `{p}` of a loss is a vector of numbers that are "
                f"given, Vector({y.axes[0]}, trained=False)"
            )


def _numbers(output: str, name: str, some: Any) -> tuple[float, ...]:
    """Some numbers; CellError where they are none."""
    found = tuple(some) if isinstance(some, Iterable) else ()
    if not found or not all(map(_is_number, found)):
        raise CellError(f"output `{output}`: {name} is {some!r}; a list of numbers is needed")
    return tuple(map(float, found))


def _is_number(one: Any) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
