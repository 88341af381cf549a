"""What everything is called in a model: all steps of a quantity, and one."""

from __future__ import annotations

from derive.backends.onnx.graph import Value
from derive.backends.onnx.words import OWN, WORDS
from derive.nodes import Quantity
from derive.program.naming import Names
from derive.program.program import Program


class Calls:
    """The values of a cell's quantities, by name. No name in a loop is one outside it.

    fixed      what is the same at every step
    is_ragged  whether outputs are masked before they are given out

    given      what a model is given: inputs, states, the number of the first step
    final      the states that it gives
    own        what counts steps
    ended      which sequences have ended, at one step and at all
    """

    def __init__(self, program: Program, fixed: frozenset[Quantity], is_ragged: bool):
        cell, self.fixed = program.cell, fixed
        self.names = Names(program, WORDS, loops=[program.loops.forward])
        one, free = self.names.one, self.names.free
        self.given = {q: one(q) for q in (*cell.given, *cell.states)}
        if len(cell.inputs) == 1:
            self.given[cell.input] = "xs"
        self.of_all = {q: self.given[q] for q in cell.inputs if q.axes}
        if not is_ragged:
            self.of_all[cell.output] = "ys"
        self.of_one = {s: free(f"{s}_prev") for s in cell.states}
        self.of_one |= {q: free(f"{q}_t") for q in cell.given if self.given[q] == one(q)}
        self.final = {s: free(f"{s}_final") for s in cell.states}
        self.own = {word: free(word) for word in OWN}
        self.ended = Value(free("ended"), is_fixed=False), Value(free("ended_s"), is_fixed=False)

    def all(self, q: Quantity) -> Value:
        """All steps of a quantity, or what is the same at each of them."""
        if q in self.fixed:
            return Value(self.names.one(q), q.axes)
        return Value(self.of_all.get(q) or self.names.all(q), q.axes, is_fixed=False)

    def one(self, q: Quantity) -> Value:
        """One step of it."""
        if q in self.fixed:
            return self.all(q)
        return Value(self.of_one.get(q) or self.names.one(q), q.axes, is_fixed=False)
