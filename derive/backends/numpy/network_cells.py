"""The cells of a network as its templates see them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from derive.backends.numpy.module import Module
from derive.backends.numpy.words import FUNCTIONS, NETWORK
from derive.backends.python_module import PythonModule
from derive.program.program import Program


class Named(PythonModule):
    """A cell of a network as the templates see it, under names that no other one has.

    prefix  what the names of its functions begin with
    kind    what the names of its classes begin with
    taken   how many of its inputs something in the network has a derivative by, the first ones
    uses    the functions that the module has of it
    """

    def __init__(self, program: Program, prefix: str, kind: str, taken: int, uses: Iterable[str]):
        self.words = FUNCTIONS | NETWORK | {f"{kind}{end}" for end in ("State", "Tape")}
        super().__init__(program)
        self.prefix, self.kind, self.taken, self.uses = prefix, kind, taken, frozenset(uses)

    @property
    def recurs(self) -> bool:
        """Whether it hands anything on from step to step."""
        return bool(self.cell.states)

    @property
    def starts_somewhere(self) -> bool:
        """Whether `init` gives any parameter a value but 0."""
        about = self.about
        return bool(about.matrices or about.initial or about.entries)

    @property
    def helpers(self) -> set[str]:
        """The functions that NumPy has not, and it needs."""
        raise NotImplementedError


class CellModule(Named, Module):
    """One whose routines NumPy computes."""

    helpers = Module.helpers

    @property
    def output_axes(self) -> list[str]:
        """The lengths of the output's axes, as parameters know them."""
        return list(map(self.length, self.cell.output.axes))

    @property
    def given(self) -> list[str]:
        """What it is given, of all steps, the number of the step among it."""
        return [*self.inputs, *([self.number] if self.number else [])]

    @property
    def given_of_a_step(self) -> list[str]:
        """The same, of one step."""
        number = [self.names.one(self.cell.number)] if self.cell.number else []
        return [*self.inputs_of_a_step, *number]

    @staticmethod
    def reads(text: str, name: str) -> bool:
        """Whether a text has a name in it."""
        return name in re.findall(r"\w+", text)

    def reads_any(self, text: str, names: Iterable[str]) -> bool:
        """Whether it has one of these."""
        return any(self.reads(text, name) for name in names)

    @property
    def is_flattened(self) -> bool:
        """Whether its output has several axes, which other layers see as one."""
        return len(self.cell.output.axes) > 1
