"""A PyTorch module beside a compiled library: what its template is filled with."""

from __future__ import annotations

from functools import cached_property

from derive.backends.printer import width
from derive.backends.python_lines import folded
from derive.backends.python_names import refuse_hiding
from derive.backends.scalar.entries import times
from derive.backends.scalar.module import ROWS
from derive.backends.torch.module import Module
from derive.nodes import Axis
from derive.program.buffers import Buffer, Role
from derive.program.program import Program
from derive.render import render


def layer(program: Program, compiled: Program) -> str:
    """The text of the module of a cell whose library was made of `compiled`."""
    refuse_hiding(program.cell.name, {"torch", "numpy"}, "PyTorch needs")
    return folded(render("torch/built.py.j2", module=Built(program, compiled)))


class Built(Module):
    """A module that calls a library, as its template sees it."""

    def __init__(self, program: Program, compiled: Program):
        super().__init__(program)
        self.compiled = compiled

    @cached_property
    def kept(self) -> list[Buffer]:
        """What the library's forward writes onto its tape."""
        return [b for b in self.compiled.interface.tape.buffers if b.role is Role.TAPE]

    @property
    def kernel_tape(self) -> list[str]:
        """How many numbers each of these has."""
        return [times(ROWS[b.span], width(b.parts, self.names.size)) for b in self.kept]

    @property
    def kernel_axes(self) -> set[Axis]:
        """The axes that these lengths are of."""
        return {axis for b in self.kept for axis in b.axes}

    @property
    def kernel_sizes(self) -> list[tuple[str, int]]:
        """For each size of the cell, something given that has it, and where: the input, where the
        cell has inputs as wide as its state."""
        there = {axis for q in self.given for axis in q.axes}
        wide = self.names.all(self.cell.input), -1
        return [self.sizes_of({a})[0][1:] if a in there else wide for a in self.cell.axes]

    @property
    def kernel_order(self) -> list[str]:
        """The parameters in the order in which the library has them."""
        return self.called(self.program.layout.parameters)
