"""A cell in C99 that keeps the states before every √T-th step: what its templates are filled with.

Its routines run on one segment of steps after the other. What forward computes in a segment lies in
the workspace; the others run it again, and read it there.
"""

from __future__ import annotations

from derive.backends.c.module import Module
from derive.backends.c.routine import CRoutine
from derive.backends.scalar.entries import times
from derive.nodes import Quantity
from derive.program.buffers import Buffer, Span


class Segments(Module):
    """The generated files as the templates see them."""

    template = "c/segments.c.j2"
    is_checkpointed = True

    @property
    def run_type(self) -> str:
        """The type of what the functions of routines run on."""
        return "segment"

    @property
    def kept(self) -> dict[str, str]:
        """The fields of the tape, and how many numbers each has."""
        states = self.cell.states
        return {self.names.one(s): times("segments * B", self.width(s)) for s in states}

    def source(self, routine: CRoutine, buffer: Buffer) -> str:
        """The argument that is an array of a routine, or the array that forward has when it has run
        again; empty where it is in the routine's own workspace."""
        name = routine.array(buffer)
        if name in self.tape and not routine.is_streaming:
            return "" if routine is self.forward else f"again.{name}"
        return super().source(routine, buffer)

    def is_trajectory(self, routine: CRoutine, entering: Quantity) -> bool:
        """Whether what enters a step lies in an array of all steps."""
        return routine.memory.region((entering,)).buffer.span is Span.TRAJECTORY
