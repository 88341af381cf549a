"""A cell as a module of functions on whole arrays: what the templates of such a target are filled
with, whatever the library."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import ClassVar

import sympy as sp

from derive.backends.functional.printer import FunctionalPrinter
from derive.backends.functional.routine import Routine
from derive.backends.python_interface import PythonInterface
from derive.elementwise import Elementwise
from derive.nodes import Axis, Quantity
from derive.program.loop import Carry, Loop
from derive.program.naming import Names
from derive.program.program import Program


class FunctionalModule(PythonInterface):
    """A generated module as the templates see it.

    printer         how the library writes expressions
    words           the names that its functions may not give to quantities
    argument_words  the names that the arguments may not have that are sizes

    forward, backward, jvp, there, back   the loops under their names
    """

    printer: ClassVar[type[FunctionalPrinter]]
    words: ClassVar[frozenset[str]]
    argument_words: ClassVar[frozenset[str]]

    def __init__(self, program: Program):
        self.loops = forward, *ways = self.scheduled(program)
        super().__init__(program, Names(program, self.words, self.argument_words, loops=self.loops))
        self.bar, self.dot = program.derivation.bar, program.loops.dot
        cell, (backward, jvp, there, back) = program.cell, ways
        self.read = frozenset().union(*(loop.reads() for loop in ways))
        self.forward = self._routine(forward, {cell.output, *self.read})
        self.backward = self._routine(backward, {self.bar[q] for q in cell.inputs})
        self.jvp = self._routine(jvp, {self.dot[cell.output]})
        self.there = self._routine(there, back.reads())
        self.back = self._routine(back, {self.dot[self.bar[q]] for q in cell.inputs})

    def scheduled(self, program: Program) -> tuple[Loop, ...]:
        """The loops: forward, backward, jvp, and the two of hvp."""
        loops = program.loops
        return (loops.forward, loops.backward, loops.jvp, *loops.hvp)

    def _routine(self, loop: Loop, later: Collection[Quantity]) -> Routine:
        return Routine(self.program, loop, self.names, later, self.printer)

    # what the routines take and give

    @property
    def given(self) -> tuple[Quantity, ...]:
        """What a derivative is taken by: parameters, inputs, states."""
        return (*self.cell.parameters, *self.cell.inputs, *self.cell.states)

    def called(self, quantities: tuple[Quantity, ...]) -> list[str]:
        """What these are called: inputs, of which there are all steps, and others, of which there
        is one."""
        steps = {*self.cell.given}
        steps |= {named[q] for named in (self.bar, self.dot) for q in self.cell.inputs}
        steps |= {self.dot[self.bar[q]] for q in self.cell.inputs}
        return [self.names.all(q) if q in steps else self.names.one(q) for q in quantities]

    def of(self, *variants: dict[Quantity, Quantity]) -> list[str]:
        """What is called so of parameters, inputs and states, one variant of another."""
        found = self.given
        for named in variants:
            found = tuple(named[q] for q in found)
        return self.called(found)

    def derivatives(self, *variants: dict[Quantity, Quantity]) -> list[str]:
        """The same of parameters and inputs alone."""
        return self.of(*variants)[: -len(self.cell.states)]

    @property
    def all_given(self) -> list[str]:
        """Beside these, the number of each step."""
        return self.called(self.given + ((self.cell.number,) if self.cell.number else ()))

    @property
    def carries(self) -> tuple[Quantity, ...]:
        """The adjoints of the final states, as the way back is given them."""
        return tuple(self.program.derivation.carry[s] for s in self.cell.states)

    @property
    def seeds(self) -> list[str]:
        """The adjoints of the outputs and of the final states."""
        seed = self.program.derivation.seed
        return [self.names.all(seed), *map(self.names.one, self.carries)]

    @property
    def seeds_dot(self) -> list[str]:
        """Their tangents."""
        seed = self.dot[self.program.derivation.seed]
        return [self.names.all(seed), *(self.names.one(self.dot[q]) for q in self.carries)]

    # the tape

    @property
    def trajectories(self) -> list[Carry]:
        """States on the tape, before and after each step."""
        carries = self.forward.trajectories
        return [c for c in carries if {c.entering, c.leaving} & self.read]

    @property
    def tape(self) -> list[Quantity]:
        """What else is on the tape, one of each step."""
        there = {c.leaving for c in self.forward.trajectories}
        made = (e.lhs for e in self.loops[0].equations)
        return [q for q in made if q in self.read - there - self.forward.fixed]

    @property
    def tape_names(self) -> list[str]:
        """What all on the tape is called."""
        return list(map(self.names.all, (*self.tape, *(c.entering for c in self.trajectories))))

    @property
    def axes_of_tape(self) -> set[Axis]:
        """The axes of all on the tape."""
        states = (c.entering for c in self.trajectories)
        return {axis for q in (*self.tape, *states) for axis in q.axes}

    # sizes

    def lengths(self, q: Quantity) -> str:
        """The lengths of a quantity's own axes; 1 for a number."""
        return ", ".join(map(self.names.size, q.axes)) or "1"

    def sizes(self, *routines: Routine) -> list[tuple[str, str, int]]:
        """The lengths that routines read, as `sizes_of`."""
        return self.sizes_of({axis for r in routines for axis in r.sizes})

    def sizes_of(self, axes: Collection[Axis]) -> list[tuple[str, str, int]]:
        """The lengths of axes, each with something given that has it, and where."""
        places = {
            axis: (name, k - len(q.axes))
            for q, name in zip(self.given[::-1], self.called(self.given)[::-1], strict=True)
            for k, axis in enumerate(q.axes)
        }
        return [(self.names.size(a), *places[a]) for a in self.cell.axes if a in axes]

    # functions of its own

    @cached_property
    def functions(self) -> set[Elementwise]:
        """Every function with what it is called on: in the loops, and where parameters get their
        first values."""
        formulas: list[sp.Expr] = [e.rhs for loop in self.loops for e in loop.equations]
        formulas += self.about.entries.values()
        return {f for formula in formulas for f in formula.atoms(Elementwise)}

    @cached_property
    def helpers(self) -> list[str]:
        """The functions that the library has not, and this module needs."""
        names = {type(f).__name__ for f in self.functions}
        return sorted(names - self.printer.calls.keys())
