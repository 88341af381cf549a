"""What is dear, made once in a process for all tests: a cell, its module, its picture. A test of
the making itself makes it anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from unittest.mock import patch

from derive import compiler, library
from derive.cell import Cell
from derive.display.diagram import arrange
from derive.display.diagram.backward import backward
from derive.display.diagram.draw import Pen
from derive.display.diagram.route import Routes


def of_each(make: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of a cell, which remembers. A cell is told by its identity."""
    made: dict[tuple, tuple[Cell, Any]] = {}

    def kept(cell: Cell, *arguments: Any) -> Any:
        key = id(cell), *arguments
        if key not in made:
            made[key] = cell, make(cell, *arguments)  # which keeps the cell, and with it its number
        return made[key][1]

    return kept


def roughly(cell: Cell) -> Routes:
    """A cell's arrangement, where a good one is not sought for long: any has to be right."""
    with patch.object(arrange, "TRIALS", 5_000):
        return arrange.arranged(cell)


load = cache(library.load)
module = of_each(compiler.module)
routes = of_each(arrange.arranged)
pen = of_each(lambda cell: Pen(cell, routes(cell)))
picture = of_each(lambda cell: pen(cell).run())
backward_picture = of_each(lambda cell: backward(cell, routes(cell)))
