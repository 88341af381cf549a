"""The Python module of a compiled cell: what its template is filled with."""

from __future__ import annotations

from functools import cached_property

from derive.backends.numpy.printer import helpers
from derive.backends.numpy.words import FUNCTIONS
from derive.backends.printer import extent
from derive.backends.python_lines import folded
from derive.backends.python_module import PythonModule
from derive.nodes import Quantity
from derive.program.buffers import Buffer, Role, Span
from derive.program.program import Program
from derive.render import render

# What its functions call things, apart from what NumPy's do.
OWN = frozenset(
    "ctypes os partial Path Stream set_threads threads run kept make last start y tuple "
    "library prepared segments".split()
)


def binding(program: Program) -> str:
    """The text of the module that finds its library beside itself."""
    module = Binding(program)
    return folded(render(module.template, module=module))


class Binding(PythonModule):
    """The module as its template sees it."""

    words = FUNCTIONS | OWN
    base = "c/binding.py.j2"
    is_in_segments = False  # what runs a few steps at a time is the library

    # the library

    @property
    def library(self) -> str:
        """What its name, and those of its functions, begin with."""
        return self.cell.name

    @property
    def library_sizes(self) -> list[str]:
        """The sizes of a call, in their order."""
        return list(map(self.names.argument, self.axes))

    @property
    def library_functions(self) -> dict[str, int]:
        """How many arguments each function takes."""
        routines = {"forward": 8, "backward": 10, "step": 7, "jvp": 10, "hvp": 15}
        more = int(self.cell.number is not None)
        return {
            **{name: count + more for name, count in routines.items()},
            "prepare": 3,
            "prepared_size": 1,
            **{f"{name}_work": 1 for name in routines},
            **({"segments": 1} if self.is_checkpointed else {}),
        }

    @property
    def tape(self) -> dict[str, Buffer]:
        """The fields of the tape: the inputs, then what the library keeps of the states or, of all
        that it computes, what the way back reads."""
        if not self.is_checkpointed:
            return super().tape
        given = {name: b for name, b in super().tape.items() if b.role is not Role.TAPE}
        states = (Buffer(s.name, (s,), Span.TRAJECTORY, Role.TAPE) for s in self.cell.states)
        return given | {self.names.all(b.parts[0]): b for b in states}

    def rows(self, buffer: Buffer) -> str:
        """How many rows of sequences a field of the tape has, one for each step or segment."""
        is_state = self.is_checkpointed and buffer.role is Role.TAPE
        return "segments" if is_state else super().rows(buffer)

    @property
    def kept(self) -> dict[str, Buffer]:
        """The fields of the tape that forward writes: what the library takes as its tape."""
        return {name: b for name, b in self.tape.items() if b.role is Role.TAPE}

    def own_width(self, buffer: Buffer) -> str:
        """The lengths of a buffer's axes, after steps and sequences, as parameters know them."""
        return extent(buffer.parts, self.length)

    @property
    def number_of_a_step(self) -> str:
        """What the number of the one step is called."""
        number: Quantity | None = self.cell.number
        return self.names.one(number) if number else ""

    @property
    def direction(self) -> str:
        """The directions of the inputs, as an argument."""
        names = self.input_directions
        return names[0] if self.has_one_input else f"({', '.join(names)})"

    def made(self, name: str) -> list[str]:
        """The arrays that are made for the inputs: one, or several in a tuple."""
        return [name] if self.has_one_input else [f"{name}[{k}]" for k in range(len(self.inputs))]

    @cached_property
    def helpers(self) -> set[str]:
        """The functions that NumPy has not, and `init` needs."""
        return helpers(self.about.entries.values(), ())
