"""A cell as a PyTorch module: what the templates are filled with."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cached_property
from hashlib import sha256

import sympy as sp

from derive.backends.about import About
from derive.backends.python_lines import folded, in_docstring
from derive.backends.python_names import refuse_hiding
from derive.backends.torch.printer import FUNCTIONS as OF_TORCH
from derive.backends.torch.printer import EntryPrinter
from derive.backends.torch.routine import Routine
from derive.backends.torch.words import FUNCTIONS, LAYER
from derive.elementwise import Elementwise
from derive.entries import RANKS
from derive.names import fresh
from derive.nodes import Axis, MatVec, Quantity, is_matrix, symbols_of
from derive.printing import shortest
from derive.program.loop import Carry
from derive.program.naming import Names
from derive.program.policy import PER_CALL
from derive.program.program import Program
from derive.render import render

POLICY = PER_CALL


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    refuse_hiding(program.cell.name, {"torch", "numpy"}, "PyTorch needs")
    text = render("torch/module.py.j2", module=Module(program))
    return {f"{program.cell.name}.py": folded(text)}


class Module:
    """A generated module as the templates see it.

    forward, backward, jvp, there, back   the loops under their names
    """

    def __init__(self, program: Program):
        self.program, self.cell = program, program.cell
        self.about = About(program, in_docstring)
        loops, cell = program.loops, self.cell
        every = (loops.forward, loops.backward, loops.jvp, *loops.hvp)
        self.names = Names(program, FUNCTIONS, LAYER, loops=every)
        self.bar, self.dot = program.derivation.bar, loops.dot
        ways = (loops.backward, loops.jvp, *loops.hvp)
        self.read = frozenset().union(*(loop.reads() for loop in ways))
        self.forward = self._routine(loops.forward, {cell.output, *self.read})
        self.backward = self._routine(loops.backward, {self.bar[q] for q in cell.inputs})
        self.jvp = self._routine(loops.jvp, {self.dot[cell.output]})
        self.there = self._routine(loops.hvp[0], loops.hvp[1].reads())
        self.back = self._routine(loops.hvp[1], {self.dot[self.bar[q]] for q in cell.inputs})

    def _routine(self, loop, later) -> Routine:
        return Routine(self.program, loop, self.names, frozenset(later))

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

    @property
    def trajectories(self) -> list[Carry]:
        """States on the tape, before and after each step."""
        carries = self.forward.trajectories
        return [c for c in carries if {c.entering, c.leaving} & self.read]

    @property
    def tape(self) -> list[Quantity]:
        """What else is on the tape, one of each step."""
        there = {c.leaving for c in self.forward.trajectories}
        made = (e.lhs for e in self.program.loops.forward.equations)
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

    # the layer

    @property
    def title(self) -> str:
        """The class: the cell's own name."""
        return fresh(self.about.title, set(FUNCTIONS | {"Tensor"}))

    @property
    def operation(self) -> str:
        """What tells this module's operations from those of others, the same in every process."""
        text = repr((self.about.made, self.about.equations, self.given, self.program.store))
        return f"{self.cell.name}_{sha256(text.encode()).hexdigest()[:12]}"

    @property
    def arguments(self) -> list[str]:
        """The arguments that are sizes."""
        return list(map(self.names.argument, self.cell.axes))

    @cached_property
    def attributes(self) -> dict[Quantity, str]:
        """What the parameters are called in the first layer. Those of others have an ending, so no
        name may be another's with one."""
        taken, found = {*LAYER, *self.arguments}, {}
        own = {p.name for p in self.cell.parameters}
        for p in self.cell.parameters:
            begin = re.sub(r"(_l\d+)?(_reverse)?$", "", p.name)
            found[p] = fresh(f"{p}_" if begin != p.name and begin in own else p.name, taken)
        return found

    @cached_property
    def biases(self) -> frozenset[Quantity]:
        """The vectors that are nothing but added to products."""
        found = {p for p in self.cell.trained if not is_matrix(p) and p.axes}
        for e in self.program.derivation.forward:
            terms = sp.Add.make_args(e.rhs)
            has_product = any(isinstance(term, MatVec) for term in terms)
            for p in found & symbols_of(e.rhs):
                others = symbols_of(e.rhs - p)
                if not has_product or p in others:
                    found = found - {p}
        return frozenset(found - set(self.cell.matrices))

    @property
    def stacks(self) -> bool:
        """Whether a layer's outputs can be the inputs of another: there is one input, a vector."""
        return len(self.cell.inputs) == 1 and len(self.cell.input.axes) == 1

    @property
    def is_tied(self) -> bool:
        """Whether the length of the input is that of something else as well."""
        others = (*self.cell.states, self.cell.output)
        return any(axis in q.axes for axis in self.cell.input.axes for q in others)

    def size(self, axis: Axis) -> str:
        """The argument that is the length of an axis."""
        return self.names.argument(axis)

    def shape(self, leading: str, q: Quantity) -> str:
        """A shape for people."""
        lengths = [*leading.split(), *map(self.names.size, q.axes)]
        return f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"

    @property
    def matrices(self) -> list[Quantity]:
        """The parameters that are drawn at random."""
        return [p for p in self.cell.parameters if p in self.cell.matrices]

    @property
    def told_biases(self) -> str:
        """The biases for people."""
        return ", ".join(p.name for p in self.cell.parameters if p in self.biases)

    @property
    def told_inputs(self) -> str:
        """What the steps are given, for people."""
        inputs = self.cell.inputs
        if len(inputs) == 1:
            return f"inputs, {self.shape('T B', inputs[0])}"
        return "Inputs of " + ", ".join(f"{q} {self.shape('T B', q)}" for q in inputs)

    @property
    def told_states(self) -> str:
        """What a layer starts from, for people."""
        shapes = [f"{s} {self.shape('L B' if s.axes else 'L B 1', s)}" for s in self.cell.states]
        return f"{'state' if len(shapes) == 1 else 'tuple of'} {', '.join(shapes)}"

    @property
    def told_starts(self) -> str:
        """What it starts from where nothing is given, for people."""
        others = (f"{s} then starts at {shortest(v)}" for s, v in self.cell.starts.items())
        return "; ".join(["zero if None", *others])

    def entry(self, formula: sp.Expr) -> str:
        """A parameter's entries, where it gets its first values."""
        return EntryPrinter(RANKS, str, self.size, frozenset(), {})(formula)

    @cached_property
    def helpers(self) -> list[str]:
        """The functions that PyTorch has not, and this module needs."""
        loops = self.program.loops
        every = (loops.forward, loops.backward, loops.jvp, *loops.hvp)
        formulas = [e.rhs for loop in every for e in loop.equations]
        formulas += self.about.entries.values()
        calls = {f for formula in formulas for f in formula.atoms(Elementwise)}
        plain = any(not a.has(Quantity) for f in calls for a in f.args)
        needed = {type(f).__name__ for f in calls} - OF_TORCH - {"choose"}
        return sorted(needed | ({"number"} if plain else set()))
