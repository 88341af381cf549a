"""A cell as an ES module that imports nothing: what the templates are filled with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import sympy as sp

from derive.backends.javascript.printer import JavaScriptPrinter, helpers, of_sizes, shortest
from derive.backends.javascript.words import WORDS
from derive.backends.scalar.entries import times
from derive.backends.scalar.lines import folded
from derive.backends.scalar.module import ScalarModule
from derive.backends.scalar.routine import Routine
from derive.entries import RANKS
from derive.nodes import Axis, H, I, Quantity
from derive.program.buffers import Buffer, Span
from derive.program.naming import Names
from derive.program.policy import PER_BYTE
from derive.program.program import Program
from derive.render import render

POLICY = PER_BYTE
ROUTINES = ("forward", "backward", "step")


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    text = render("javascript/module.js.j2", module=Module(program))
    return {f"{program.cell.name}.js": folded(text)}


class Module(ScalarModule):
    """A generated module as the templates see it."""

    spans = Span  # for the templates

    def __init__(self, program: Program):
        super().__init__(program, Names(program, WORDS, routines=ROUTINES))
        calls = program.interface
        printer = JavaScriptPrinter
        self.forward = Routine(program, calls.forward, self.names, printer, calls.tape.regions)
        self.backward = Routine(program, calls.backward, self.names, printer)
        self.step = Routine(program, calls.step, self.names, printer)

    # sizes and shapes

    def number(self, value: float) -> str:
        """A number."""
        return shortest(value)

    @property
    def arguments(self) -> list[str]:
        """The names of the sizes."""
        return list(map(self.names.argument, self.axes))

    def describe(self, axis: Axis) -> str:
        """An axis for people."""
        said = {I: "I inputs", H: "H hidden units"}
        return said.get(axis) or f"{self.names.size(axis)} ({self.names.argument(axis)})"

    def numbers(self, rows: str, q: Quantity) -> str:
        """How many numbers so many rows of a vector have."""
        return times(rows, self.width(q))

    def lengths(self, state: Quantity) -> str:
        """How many numbers a state has, by the names of the sizes."""
        return " * ".join(f"sizes.{self.names.argument(axis)}" for axis in state.axes) or "1"

    def sizes(self, routine: Routine, *others: Quantity) -> list[Axis]:
        """The axes whose lengths a routine names, and those of other quantities."""
        named = {*routine.sizes, *(axis for q in others for axis in q.axes)}
        return [axis for axis in self.axes if axis in named]

    def read(self, routine: Routine) -> list[str]:
        """The fields that a routine reads."""
        used = {
            routine.memory.region(g).buffer for g in routine.seen if g[0] in routine.memory.given
        }
        return [name for name, buffer in self.tape.items() if buffer in used]

    def axes_of(self, some: Iterable[Quantity | Buffer]) -> list[Axis]:
        """The axes that quantities, or buffers, have."""
        found = {axis for one in some for axis in one.axes}
        return [axis for axis in self.axes if axis in found]

    # what there is to see

    @cached_property
    def values(self) -> dict[str, Quantity]:
        """All quantities by their names, where forward keeps everything."""
        if self.program.store != "everything":
            return {}
        found = (
            *self.cell.given,
            *self.cell.states,
            *(e.lhs for e in self.program.derivation.forward),
        )
        return {q.name: q for q in found}

    @cached_property
    def adjoints(self) -> dict[str, Quantity]:
        """The adjoints that backward keeps, by the names of what they are adjoints of."""
        bar, kept = self.program.derivation.bar, self.program.loops.adjoints
        found = {q.name: bar[q] for q in self.values.values() if bar.get(q) in kept}
        return {q.name: bar[q] for q in self.cell.inputs} | found if found else {}

    # inputs

    @property
    def sized_inputs(self) -> tuple[Quantity, ...]:
        """The input whose length the module's lines name; several are checked by a function."""
        return self.cell.inputs if self.has_one_input else ()

    @property
    def input_adjoints(self) -> dict[str, str]:
        """What the adjoint of each input is called."""
        bar, places = self.program.derivation.bar, self.backward
        return {q.name: places.array_of((bar[q],)) for q in self.cell.inputs}

    # the tape

    @property
    def tape(self) -> dict[str, Buffer]:
        """Fields of the tape: input, states, then what else backward reads."""
        return {self.backward.array(b): b for b in self.program.interface.tape.buffers}

    # functions of its own

    @property
    def takes_parts(self) -> bool:
        """Whether it returns quantities that lie in a stack with others."""
        seen = [(routine, self.cell.output) for routine in (self.forward, self.step)]
        seen += [(self.forward, q) for q in self.values.values()]
        seen += [(self.backward, q) for q in self.adjoints.values()]
        return any(not routine.memory.region((q,)).is_whole for routine, q in seen)

    @cached_property
    def helpers(self) -> set[str]:
        """The functions that the language has not, and this module needs."""
        return helpers(self.formulas((self.forward, self.backward, self.step)))

    def entry(self, formula: sp.Expr) -> str:
        """A parameter's entries, in `init`."""
        sizes = {axis: of_sizes(self.names.argument(axis)) for axis in self.axes}
        return JavaScriptPrinter(RANKS, str, sizes.__getitem__)(formula)
