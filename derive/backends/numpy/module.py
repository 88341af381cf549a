"""A cell as a Python module that needs nothing but NumPy: what the templates are filled with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property

import sympy as sp

from derive.backends.about import About
from derive.backends.numpy.printer import NumPyPrinter, helpers
from derive.backends.numpy.routine import Routine
from derive.backends.numpy.words import ATTRIBUTES, FUNCTIONS
from derive.backends.printer import extent
from derive.backends.python_lines import folded, in_docstring
from derive.backends.weight import Weight
from derive.entries import PLACE
from derive.nodes import Axes, Axis, CellError, H, I, Quantity
from derive.program.buffers import Buffer
from derive.program.naming import Names
from derive.program.policy import PER_CALL
from derive.program.program import Program
from derive.program.statements import Activate
from derive.program.views import Parts, numbers
from derive.render import render

POLICY = PER_CALL


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    if program.cell.name in {"numpy", *sys.stdlib_module_names}:
        raise CellError(
            f"a module {program.cell.name}.py would hide one that Python has, or needs, under this "
            f"name: give the cell's file another"
        )
    text = render("numpy/module.py.j2", module=Module(program))
    return {f"{program.cell.name}.py": folded(text)}


class Module:
    """A generated module as the templates see it."""

    def __init__(self, program: Program):
        self.program, self.cell = program, program.cell
        self.layout, self.about = program.layout, About(program, in_docstring)
        self.names = Names(program, FUNCTIONS, ATTRIBUTES)
        calls = program.interface
        self.forward = Routine(program, calls.forward, self.names, True, also=calls.tape.alone)
        self.backward = Routine(program, calls.backward, self.names, is_in_place=True)
        self.step = Routine(program, calls.step, self.names, is_in_place=False)
        self.jvp = Routine(program, calls.jvp, self.names, is_in_place=False)
        there, back = calls.hvp
        handed = sorted(there.handed(back), key=str)
        self.there = Routine(program, there, self.names, False, also=tuple(handed))
        self.back = Routine(program, back, self.names, is_in_place=False)

    @property
    def routines(self) -> tuple[Routine, ...]:
        """All of them."""
        return (self.forward, self.backward, self.step, self.jvp, self.there, self.back)

    # sizes and shapes

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis, in the order of the arguments of `Params`."""
        return self.cell.axes

    @property
    def arguments(self) -> list[str]:
        """The arguments of `Params` that are sizes."""
        return list(map(self.names.argument, self.axes))

    @property
    def states(self) -> list[str]:
        """What the states are called."""
        return list(map(self.names.one, self.cell.states))

    def sizes(self, *routines: Routine) -> list[Axis]:
        """The axes whose lengths the routines name."""
        return [a for a in self.axes if any(a in routine.sizes for routine in routines)]

    def shape(self, leading: str, axes: Axes) -> str:
        """A shape for people: leading lengths such as T and B, then a quantity's own."""
        lengths = [*leading.split(), *map(self.names.size, axes or ())]
        return f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"

    def width(self, buffer: Buffer) -> str:
        """The lengths of a buffer's axes, after steps and sequences."""
        return extent(buffer.parts, self.names.size)

    def lengths(self, quantity: Quantity) -> str:
        """The lengths of a quantity's axes, as parameters know them; 1 for a number."""
        own = (f"params.{self.names.argument(axis)}" for axis in quantity.axes)
        return ", ".join(own) or "1"

    @property
    def has_matrices(self) -> bool:
        """Whether a state has not just one axis."""
        return any(len(s.axes) != 1 for s in self.cell.states)

    def describe(self, axis: Axis) -> str:
        """An axis for people."""
        said = {I: "I inputs", H: "H hidden units"}
        return said.get(axis) or f"{self.names.size(axis)} ({self.names.argument(axis)})"

    # inputs

    @property
    def has_one_input(self) -> bool:
        """Whether the inputs are one array, and no tuple of several."""
        return len(self.cell.inputs) == 1

    @property
    def inputs(self) -> list[str]:
        """What the inputs of all steps are called."""
        return self.given_by(self.backward, {q: q for q in self.cell.inputs})

    @property
    def inputs_of_a_step(self) -> list[str]:
        """What those of one step are called."""
        return list(map(self.names.one, self.cell.inputs))

    @property
    def input_adjoints(self) -> list[str]:
        """What their adjoints are called."""
        return self.given_by(self.backward, self.program.derivation.bar)

    @property
    def input_directions(self) -> list[str]:
        """What their directions are called."""
        return self.given_by(self.jvp, self.program.loops.dot)

    @property
    def input_adjoint_tangents(self) -> list[str]:
        """What the tangents of their adjoints are called."""
        bar, dot = self.program.derivation.bar, self.program.loops.dot
        return self.given_by(self.back, {q: dot[bar[q]] for q in self.cell.inputs})

    @property
    def number(self) -> str:
        """What the number of each step is called; empty where it is not read."""
        return self.names.all(self.cell.number) if self.cell.number else ""

    def given_by(self, routine: Routine, named: Mapping[Quantity, Quantity]) -> list[str]:
        """The arrays of all steps in which a routine has what belongs to each input."""
        regions = (routine.memory.region((named[q],)) for q in self.cell.inputs)
        return [self.names.buffer(region.buffer) for region in regions]

    # the tape

    @property
    def tape(self) -> dict[str, Buffer]:
        """Fields of the tape: input, states, then what else backward reads."""
        return {self.names.buffer(b): b for b in self.program.interface.tape.buffers}

    def tape_parts(self, *routines: Routine) -> list[Parts]:
        """Names for the parts of the tape's stacks that the routines see."""
        tape = self.program.interface.tape
        seen = {region.buffer for r in routines for region in r.views.tenants}
        return [Parts(b, tape.parts(b)) for b in tape.buffers if b in seen and len(b.parts) > 1]

    def weights_after(self, routine: Routine, earlier: Routine) -> list[Weight]:
        """A routine's weights that an earlier one has not named."""
        return [w for name, w in routine.weights.items() if name not in earlier.weights]

    # functions of its own

    @cached_property
    def helpers(self) -> set[str]:
        """The functions that NumPy has not, and this module needs."""
        every = [s for r in self.routines for s in r.call.routine.statements]
        activations = [f for s in every if isinstance(s, Activate) for f in s.functions]
        formulas = [*self.about.entries.values(), *(e for s in every for e in numbers(s))]
        return helpers(formulas, activations)

    def entry(self, formula: sp.Expr) -> str:
        """A parameter's entries, in `init`."""
        ranks = {place.name: n for n, place in enumerate(PLACE)}
        return NumPyPrinter(ranks, str, self.names.argument, ())(formula)
