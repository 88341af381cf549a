"""A cell as a Python module that needs nothing but NumPy: what the templates are filled with."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from derive import VERSION
from derive.backends.numpy.names import Names
from derive.backends.numpy.printer import helpers, width
from derive.backends.numpy.routine import Parts, Routine, Weight
from derive.backends.python_lines import folded
from derive.cell import Cell
from derive.cost import predicted
from derive.display.latex import latex_block
from derive.nodes import Axes, Axis, H, I
from derive.printing import Infix
from derive.program.buffers import Buffer, Role, Span
from derive.program.policy import PER_CALL
from derive.program.program import Program
from derive.program.statements import Activate, Compute, Total
from derive.render import render

POLICY = PER_CALL


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    text = render("numpy/module.py.j2", module=Module(program))
    return {f"{program.cell.name}.py": folded(text)}


@dataclass(frozen=True)
class Field:
    """A field of the tape, with its shape's first lengths and the axes after them."""

    name: str
    buffer: Buffer


class Module:
    """A generated module as the templates see it."""

    version = VERSION

    def __init__(self, program: Program):
        self.program, self.cell = program, program.cell
        self.layout, self.names = program.layout, Names(program)
        calls = program.interface
        alone = (
            q
            for q, region in calls.tape.regions.items()
            if region.buffer.span is Span.STEPS and len(region.buffer.parts) == 1
        )
        self.forward = Routine(program, calls.forward, self.names, True, leaves=alone)
        self.backward = Routine(program, calls.backward, self.names, is_in_place=True)
        self.step = Routine(program, calls.step, self.names, is_in_place=False)
        self.jvp = Routine(program, calls.jvp, self.names, is_in_place=False)
        self.there, self.back = (
            Routine(program, call, self.names, is_in_place=False) for call in calls.hvp
        )

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
        lengths = [*leading.split(), *(self.names.size(a) for a in axes or ())]
        return f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"

    def width(self, buffer: Buffer) -> str:
        """The length of a buffer's last axis."""
        return width(buffer.axes, self.names.size)

    def describe(self, axis: Axis) -> str:
        """An axis for people."""
        said = {I: "I inputs", H: "H hidden units"}
        return said.get(axis) or f"{self.names.size(axis)} ({self.names.argument(axis)})"

    @property
    def input_is_wide(self) -> bool:
        """Whether the cell adds its input to its state, and so takes as many inputs as units."""
        return self.cell.input.axes == (H,)

    # the tape

    @property
    def tape(self) -> list[Field]:
        """Fields of the tape: input, states, then what else backward reads."""
        buffers = self.program.interface.tape.buffers
        return [Field(self.names.buffer(buffer), buffer) for buffer in buffers]

    def tape_parts(self, *routines: Routine) -> list[Parts]:
        """Names for parts of the tape's stacks that the routines read."""
        first, *others = routines
        for other in others:
            for region, tenants in other.tenants.items():
                if region.buffer.role is Role.TAPE:
                    first.tenants.setdefault(region, tenants)
        return first.parts_of(self.program.interface.tape.stacks_read(r.loop for r in routines))

    def weights_after(self, routine: Routine, earlier: Routine) -> list[Weight]:
        """A routine's weights that an earlier one has not named."""
        return [w for name, w in routine.weights.items() if name not in earlier.weights]

    # functions of its own

    @cached_property
    def helpers(self) -> set[str]:
        """The functions that NumPy has not, and this module needs."""
        every = [s for r in self.routines for s in r.call.routine.statements]
        expressions = [s.expr for s in every if isinstance(s, Compute)]
        expressions += [term for s in every if isinstance(s, Total) for term in s.terms]
        activations = [f for s in every if isinstance(s, Activate) for f in s.functions]
        return helpers(expressions, activations)

    # words

    @property
    def title(self) -> str:
        """The cell's name for people, in a docstring."""
        return in_docstring(" ".join(self.cell.title.split()))

    @property
    def paragraphs(self) -> list[str]:
        """The author's remarks: the first paragraph as one, then the rest as it was written."""
        first, _, rest = in_docstring(self.cell.doc).partition("\n\n")
        return [" ".join(first.split()), rest.strip()]

    @property
    def equations(self) -> list[str]:
        """The equations as a person writes them."""
        return [f"{e.lhs} = {Infix().written_as(e)(e.rhs)}" for e in self.cell.equations]

    @property
    def latex(self) -> str:
        """The equations and their adjoints."""
        return latex_block(self.program.derivation).strip()

    @property
    def costs(self) -> list[str]:
        """What a step costs, in sentences."""
        return predicted.summary(self.program)

    @property
    def parameter_count(self) -> str:
        """How many numbers the parameters are."""
        return predicted.text(predicted.parameters(self.program))

    @property
    def initial_values(self) -> dict[str, list[str]]:
        """For each initial value but zero, the parameters that begin with it."""
        starts = defaultdict(list)
        for name, value in self.cell.initial.items():
            starts[f"{value:g}"].append(name)
        return dict(starts)

    def initial(self, cell: Cell) -> list[tuple[str, float]]:
        """Parameters that begin with a number of their own, in memory's order."""
        order = (p.name for p in self.layout.parameters)
        return [(name, float(cell.initial[name])) for name in order if name in cell.initial]


def in_docstring(text: str) -> str:
    """A person's text as it may stand between triple quotes."""
    printable = "".join(c for c in text if c.isprintable() or c == "\n")
    return re.sub(r'"(?="")|"$', "'", printable.replace("\\", "\\\\").replace('""', "''"))
