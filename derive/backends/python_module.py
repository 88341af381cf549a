"""A cell as a Python module on NumPy's arrays, whatever does the computing: what its templates are
filled with."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import ClassVar

import sympy as sp

from derive.backends.numpy.printer import NumPyPrinter
from derive.backends.numpy.words import ATTRIBUTES, FUNCTIONS
from derive.backends.printer import extent
from derive.backends.python_interface import PythonInterface
from derive.entries import RANKS
from derive.nodes import Axis, Quantity
from derive.program.buffers import Buffer, Span
from derive.program.interface import Call
from derive.program.naming import Names
from derive.program.program import SEPARATE, Program


class PythonModule(PythonInterface):
    """A generated module as the templates see it: its interface, and what lies where.

    dtypes  the types that its numbers may have, as NumPy calls them
    words   the names that its functions may not give to quantities
    named   the routines whose quantities its functions name, or those of what it is compiled from
    base    the template of a module that keeps all that backward reads
    worth   how many steps of sequences are worth a call, where it keeps checkpoints
    """

    dtypes: ClassVar[tuple[str, ...]] = ("float64", "float32")
    words: frozenset[str] = FUNCTIONS
    named: ClassVar[tuple[str, ...]] = SEPARATE
    base: ClassVar[str] = "numpy/module.py.j2"
    worth: ClassVar[int] = 256

    def __init__(self, program: Program):
        names = Names(program, self.words, ATTRIBUTES, routines=self.named)
        super().__init__(program, names)
        self.layout, self.calls = program.layout, program.interface

    @property
    def is_checkpointed(self) -> bool:
        """Whether the tape has the states before a few steps only."""
        return self.program.store == "checkpoints"

    @property
    def is_in_segments(self) -> bool:
        """Whether its functions run those of another module, on a few steps at a time."""
        return self.is_checkpointed

    @property
    def template(self) -> str:
        """The template of this module, which may stand around that of another."""
        return "numpy/checkpoints.py.j2" if self.is_in_segments else self.base

    # sizes

    def width(self, buffer: Buffer) -> str:
        """The lengths of a buffer's axes, after steps and sequences."""
        return extent(buffer.parts, self.names.size)

    def lengths(self, quantity: Quantity) -> str:
        """The lengths of a quantity's axes, as parameters know them; 1 for a number."""
        return ", ".join(map(self.length, quantity.axes)) or "1"

    def length(self, axis: Axis) -> str:
        """The length of an axis, as parameters know it."""
        return f"params.{self.names.argument(axis)}"

    @property
    def of_one_shape(self) -> list[list[Quantity]]:
        """The parameters as they lie in memory, those of one stack together, of which all have one
        shape."""
        stack = {p: w.name for w in self.layout.weights for p in w.parameters}
        runs = groupby(self.layout.parameters, lambda p: (stack.get(p, p), p.axes))
        return [list(run) for _, run in runs]

    # inputs

    @property
    def moving(self) -> tuple[Call, Call]:
        """The routine that has the inputs' directions, and the one that has the tangents of their
        adjoints."""
        return self.calls.jvp, self.calls.hvp[1]

    @property
    def inputs(self) -> list[str]:
        """What the inputs of all steps are called."""
        return self.given_by(self.calls.backward, {q: q for q in self.cell.inputs})

    @property
    def input_adjoints(self) -> list[str]:
        """What their adjoints are called."""
        return self.given_by(self.calls.backward, self.program.derivation.bar)

    @property
    def input_directions(self) -> list[str]:
        """What their directions are called."""
        return self.given_by(self.moving[0], self.program.loops.dot)

    @property
    def input_adjoint_tangents(self) -> list[str]:
        """What the tangents of their adjoints are called."""
        bar, dot = self.program.derivation.bar, self.program.loops.dot
        return self.given_by(self.moving[1], {q: dot[bar[q]] for q in self.cell.inputs})

    @property
    def number(self) -> str:
        """What the number of each step is called; empty where it is not read."""
        return self.names.all(self.cell.number) if self.cell.number else ""

    def given_by(self, call: Call, named: Mapping[Quantity, Quantity]) -> list[str]:
        """The arrays of all steps in which a routine has what belongs to each input."""
        regions = (call.memory.region((named[q],)) for q in self.cell.inputs)
        return [self.names.buffer(region.buffer) for region in regions]

    # the tape

    @property
    def tape(self) -> dict[str, Buffer]:
        """Fields of the tape: input, states, then what else backward reads."""
        return {self.names.buffer(b): b for b in self.program.interface.tape.buffers}

    def rows(self, buffer: Buffer) -> str:
        """How many rows of sequences a field of the tape has, one for each step."""
        return "T + 1" if buffer.span is Span.TRAJECTORY else "T"

    # functions of its own

    def entry(self, formula: sp.Expr) -> str:
        """A parameter's entries, in `init`."""
        return NumPyPrinter(RANKS, str, self.names.argument, ())(formula)
