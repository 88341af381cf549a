"""A cell as a person handles it in Python, with adjoints, LaTeX and pictures at hand."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields

from derive import library
from derive.adjoint import adjoint
from derive.cell import Cell, Equation
from derive.display.diagram import chain, emphasis
from derive.display.diagram.backward import backward
from derive.display.diagram.beside import beside
from derive.display.diagram.draw import scene
from derive.display.diagram.loop import loop
from derive.display.diagram.svg import svg
from derive.display.latex import document, fragment
from derive.nodes import CellError


class Handle(Cell):
    """A `derive.cell.Cell`, and what follows from it."""

    @property
    def adjoints(self) -> tuple[Equation, ...]:
        """One equation for each adjoint, in the order of evaluation: of the equations in normal
        form from the last to the first, then of states, input and parameters. ``lhs`` and ``rhs``
        are SymPy's."""
        return adjoint(self).backward

    def latex(self, *, standalone: bool = False) -> str:
        """The equations and their adjoints, as a fragment or as a document that compiles."""
        return (document if standalone else fragment)(self)

    def diagram(self) -> Picture:
        """The cell drawn from its equations."""
        return Picture(svg(scene(self)))

    def backward_diagram(self) -> Picture:
        """Its adjoints on the same picture."""
        return Picture(svg(backward(self)))

    def loop_diagram(self) -> Picture:
        """The cell with its states as boxes, and the order of evaluation in numbers."""
        return Picture(svg(loop(self)))

    def steps(self) -> tuple[Picture, ...]:
        """A picture for each equation, in the order of evaluation, with it lit."""
        return tuple(Picture(svg(made)) for _, made in emphasis.steps(self))

    def highlighted(self, name: str) -> Picture:
        """The picture with the equation of that name lit; CellError where there is none."""
        return Picture(svg(emphasis.highlighted(self, name)))

    def rolled(self) -> Picture:
        """The network, with a loop for each state."""
        return Picture(svg(chain.rolled(self)))

    def unrolled(self, steps: int) -> Picture:
        """The network over so many steps."""
        return Picture(svg(chain.unrolled(self, steps)))

    def beside(self, other: Cell) -> Picture:
        """This cell and another, with what differs marked."""
        return Picture(svg(beside(self, other)))


@dataclass(frozen=True)
class Picture:
    """A picture that shows itself in a notebook; `svg` is its text."""

    svg: str = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.svg


def load(what: str | os.PathLike[str] | Cell, **settings: object) -> Handle:
    """The cell of that name, the one in that file, or the one of a class statement.

    ``load("gru", reset="after")`` sets an option; so does ``load("gru:reset=after")``, and
    ``load("file.py:Title")`` chooses among several cells of a file.

    Raises CellError, in one sentence, where there is no such cell or option, or where its equations
    are wrong.
    """
    if isinstance(what, Cell):
        cell = what
        if settings:
            raise CellError(
                f"{cell.name} is made already; options are set where a cell is loaded by name or "
                f"from its file"
            )
    else:
        cell = library.load(os.fspath(what), {name: str(value) for name, value in settings.items()})
    return Handle(**{f.name: getattr(cell, f.name) for f in fields(cell)})
