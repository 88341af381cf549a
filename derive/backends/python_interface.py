"""What a generated Python module has for whoever calls it: sizes, inputs and states, and how they
are told to people. Nothing of how the module computes."""

from __future__ import annotations

from derive.backends.about import About
from derive.backends.python_lines import in_docstring
from derive.nodes import Axes, Axis, H, I
from derive.printing import shortest
from derive.program.naming import Names
from derive.program.program import Program


class PythonInterface:
    """A cell as the users of its module see it, under its names."""

    def __init__(self, program: Program, names: Names):
        self.program, self.cell, self.names = program, program.cell, names
        self.about = About(program, in_docstring)

    # sizes and shapes

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis, in the order of the sizes among the arguments."""
        return self.cell.axes

    @property
    def arguments(self) -> list[str]:
        """The arguments that are sizes."""
        return list(map(self.names.argument, self.axes))

    def shape(self, leading: str, axes: Axes) -> str:
        """A shape for people: leading lengths such as T and B, then a quantity's own."""
        lengths = [*leading.split(), *map(self.names.size, axes or ())]
        return f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"

    def describe(self, axis: Axis) -> str:
        """An axis for people."""
        said = {I: "I inputs", H: "H hidden units"}
        return said.get(axis) or f"{self.names.size(axis)} ({self.names.argument(axis)})"

    # inputs and states

    @property
    def has_one_input(self) -> bool:
        """Whether the inputs are one array, and no tuple of several."""
        return len(self.cell.inputs) == 1

    @property
    def inputs_of_a_step(self) -> list[str]:
        """What the inputs of one step are called."""
        return list(map(self.names.one, self.cell.inputs))

    @property
    def states(self) -> list[str]:
        """What the states are called."""
        return list(map(self.names.one, self.cell.states))

    @property
    def has_matrices(self) -> bool:
        """Whether a state has not just one axis."""
        return any(len(s.axes) != 1 for s in self.cell.states)

    def told_inputs(self, leading: str) -> str:
        """What it is given, for people: one array, or several under their names."""
        shapes = [self.shape(leading, q.axes) for q in self.cell.inputs]
        if self.has_one_input:
            return shapes[0]
        named = (f"{q} {shape}" for q, shape in zip(self.cell.inputs, shapes, strict=True))
        return f"Inputs of {', '.join(named)}"

    @property
    def told_state_shapes(self) -> str:
        """The shapes of states, for people."""
        leading = ((s, "B" if s.axes else "B 1") for s in self.cell.states)
        return " or ".join(dict.fromkeys(self.shape(first, s.axes) for s, first in leading))

    @property
    def told_starts(self) -> str:
        """What it starts from where no states are given, for people."""
        others = (f"{s} then starts at {shortest(v)}" for s, v in self.cell.starts.items())
        return "; ".join(["zero if None", *others])
