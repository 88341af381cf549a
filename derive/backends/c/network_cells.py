"""The cells of a network as its templates see them."""

from __future__ import annotations

from derive.backends.c.module import Module
from derive.backends.c.routine import CRoutine
from derive.backends.c.words import OF_NETWORK, WORDS
from derive.backends.scalar.module import ScalarModule
from derive.program.naming import Names
from derive.program.program import Program

LOSS = ("forward", "backward")  # the routines that a network has of what outputs are compared by


class CellModule(Module):
    """A cell of a network as the templates see it: its functions are the file's own.

    is_trained  whether its parameters are among the network's
    streams     whether the network runs step by step
    """

    static = "static "

    def __init__(self, program: Program, network: str, name: str, is_trained: bool, streams: bool):
        words = WORDS | OF_NETWORK
        used = () if is_trained else LOSS
        ScalarModule.__init__(self, program, Names(program, words, words, routines=used))
        calls = program.interface
        self.own, self.called = f"{name}_", f"{network}_{name}"
        self.is_trained, self.streams = is_trained, streams
        self.forward = self.routine("forward", calls.forward, calls.tape.regions)
        self.backward = self.routine("backward", calls.backward)
        if is_trained:
            self.step = self.routine("step", calls.step)
            self.jvp = self.routine("jvp", calls.jvp)
            self.there, self.back = map(self.routine, ("hvp_there", "hvp_back"), calls.hvp)

    @property
    def prefix(self) -> str:
        """What the names of its types and functions begin with."""
        return self.called

    @property
    def routines(self) -> tuple[CRoutine, ...]:
        """Those that the file has."""
        found = [self.forward, self.backward, *([self.step] if self.streams else [])]
        return (*found, *([self.jvp, self.there, self.back] if self.is_trained else []))
