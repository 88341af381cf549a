"""A generated file as the templates of languages with flat arrays see it: what they have in
common."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from derive.backends.about import About
from derive.backends.printer import width
from derive.backends.scalar.entries import times
from derive.backends.scalar.lines import in_comment
from derive.backends.scalar.routine import Routine
from derive.nodes import Axes, Axis, Quantity
from derive.program.buffers import Buffer, Span
from derive.program.naming import Names
from derive.program.program import Program
from derive.program.statements import Fused, Statement
from derive.program.views import numbers

# How many rows an array has, by how long it is kept.
ROWS = {Span.ONCE: "", Span.STEP: "B", Span.STEPS: "T * B", Span.TRAJECTORY: "(T + 1) * B"}


class ScalarModule:
    """A cell, its names, and how long its arrays are."""

    def __init__(self, program: Program, names: Names):
        self.program, self.cell, self.names = program, program.cell, names
        self.layout, self.about = program.layout, About(program, in_comment)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis, in the order of the sizes."""
        return self.cell.axes

    @property
    def has_one_input(self) -> bool:
        """Whether the inputs are one array, and not several under their names."""
        return len(self.cell.inputs) == 1

    def shape(self, leading: str, axes: Axes) -> str:
        """A shape for people: leading lengths such as T and B, then a quantity's own."""
        return " * ".join([*leading.split(), *map(self.names.size, axes)]) or "1"

    def width(self, q: Quantity) -> str:
        """How many entries a quantity has."""
        return width([q], self.names.size)

    def count(self, buffer: Buffer) -> str:
        """How many numbers an array has."""
        return times(ROWS[buffer.span], width(buffer.parts, self.names.size)) or "1"

    def formulas(self, routines: Sequence[Routine]) -> list[sp.Expr]:
        """All that is computed elementwise: by routines, and where parameters get first values."""
        every = [part for r in routines for s in r.call.routine.statements for part in parts(s)]
        return [*self.about.entries.values(), *(e for s in every for e in numbers(s))]


def parts(s: Statement) -> Sequence[Statement]:
    """What a nest is made of, or the statement that is none."""
    return s.body if isinstance(s, Fused) else (s,)
