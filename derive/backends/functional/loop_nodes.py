"""A loop as nodes of two graphs: around it, for all steps at once, and of one step."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from derive.backends.functional.graph import Graph, Value
from derive.backends.functional.nodes import NodePrinter
from derive.backends.functional.reading import Reading
from derive.nodes import Axis, Quantity
from derive.program.loop import Loop
from derive.program.naming import Names
from derive.program.program import Program


class LoopNodes(Reading):
    """A forward loop under its names. No name within a step is one around it.

    given    what the inputs, states and the number of the first step are called
    output   what all outputs are called
    ended    what it is called which sequences have ended, at one step and at each; or None, where
             none does before the last

    before, during, after  nodes: for all steps at once, of one step, and for all steps again
    ends                   what a step hands on
    outs                   what is kept of every step, and what it is called within one
    """

    def __init__(
        self,
        program: Program,
        loop: Loop,
        names: Names,
        printer: type[NodePrinter],
        sizes: Mapping[Axis, int],
        given: Mapping[Quantity, str],
        output: str,
        ended: tuple[str, str] | None,
    ):
        cell = program.cell
        super().__init__(program, loop, {cell.output})
        self.names, self.output, self.ended = names, output, ended
        self.of_all = {q: given[q] for q in cell.inputs if q.axes}
        if ended is None:
            self.of_all[cell.output] = output
        hidden = (q for q in cell.given if given[q] == names.one(q))
        of_one = {s: f"{s}_prev" for s in cell.states} | {q: f"{q}_t" for q in hidden}
        self.of_one = {q: names.free(name) for q, name in of_one.items()}
        self.graph = Graph(names.free)
        self.body = Graph(names.free, self.graph)
        xs, state = Value(given[cell.input], is_fixed=False), self.one(cell.states[0])
        self.around = printer(program.rank, self.graph, self.all, sizes, (xs, 2))
        self.within = printer(program.rank, self.body, self.one, sizes, (state, 1))
        for q in cell.inputs:
            if not q.axes:
                number = self.around.between(Value(given[q], is_fixed=False), (), [-1])
                self.around.call(number, self.all(q).name)
        self._write()

    # names

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

    # nodes

    def _write(self) -> None:
        for e in self.loop.before:
            self.around.define(e)
        for e in self.loop.during:
            self.within.define(e)
        self.ends: list[str] = []
        for c in self.loop.carries:
            value = self._held(self.one(c.entering), self.one(c.leaving))
            self.ends.append(self._alone(value, self.ends))
        self.outs = {q: self._alone(self.one(q), self.ends) for q in self.outgoing}
        self.before, self.during = tuple(self.graph.nodes), tuple(self.body.nodes)
        for e in self.loop.after:
            self.around.define(e)
        if self.ended is not None:
            past, ys = Value(self.ended[1], is_fixed=False), self.all(self.program.cell.output)
            masked = self.around.held(past, self.graph.number(0), ys)
            self.around.call(masked, self.output)
        self.after = tuple(self.graph.nodes[len(self.before) :])

    def _held(self, old: Value, new: Value) -> Value:
        """A state after a step: the old one where the sequence has ended."""
        if self.ended is None:
            return new
        return self.within.held(Value(self.ended[0], is_fixed=False), old, new)

    def _alone(self, value: Value, given: Collection[str]) -> str:
        """The name of what a step gives out: what it has made itself, and has not `given` out."""
        if value.name in {node.name for node in self.body.nodes} - {*given}:
            return value.name
        name = self.names.free(f"{value.name}_out")
        self.within.call(value, name)
        return name

    @property
    def incoming(self) -> list[Quantity]:
        """What is read step by step; the input, where nothing else says how many there are."""
        return self.taken or [self.program.cell.input]

    @property
    def outgoing(self) -> list[Quantity]:
        """What is read of all steps when the last is over."""
        made = [*(c.entering for c in self.loop.carries), *self._made]
        return [q for q in made if q in self.late]

    @property
    def functions(self) -> list[str]:
        """The functions that the program brings along."""
        own, nodes = self.around.own, (*self.before, *self.during, *self.after)
        return sorted({node.op.removeprefix(own) for node in nodes if node.op.startswith(own)})
