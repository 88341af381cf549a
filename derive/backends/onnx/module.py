"""A cell as a graph: what the templates are filled with."""

from __future__ import annotations

from collections.abc import Mapping

from derive import VERSION
from derive.backends.about import About
from derive.backends.functional.reading import Reading
from derive.backends.onnx.calls import Calls
from derive.backends.onnx.graph import Graph, Value
from derive.backends.onnx.printer import OWN, NodePrinter
from derive.evaluation.arrays import extent
from derive.nodes import Axis, Quantity
from derive.printing import shortest
from derive.program.program import Program


class Module:
    """A graph as the templates see it.

    sizes      the length of each axis
    dtype      the type of its numbers, as ONNX calls it: float or double
    is_ragged  whether it is told where sequences end

    before, during, after  nodes: for all steps at once, of one step, and for all steps again
    ends                   what a step hands on
    outs                   what is kept of every step, and what it is called within one
    """

    version = VERSION

    def __init__(self, program: Program, sizes: Mapping[Axis, int], dtype: str, is_ragged: bool):
        self.program, self.cell, self.loop = program, program.cell, program.loops.forward
        self.sizes, self.dtype, self.is_ragged = sizes, dtype, is_ragged
        self.about = About(program, str)
        self.reading = Reading(program, self.loop, {self.cell.output})
        self.calls = Calls(program, self.reading.fixed, is_ragged)
        self.graph = Graph(self.calls.names.free)
        self.body = Graph(self.calls.names.free, self.graph)
        self._write()

    def _write(self) -> None:
        """Write the loop into the graphs."""
        calls, rank, out = self.calls, self.program.rank, self.cell.output
        xs = Value(calls.given[self.cell.input], is_fixed=False)
        around = NodePrinter(rank, self.graph, calls.all, xs, 2, self.sizes)
        state = calls.one(self.cell.states[0])
        within = NodePrinter(rank, self.body, calls.one, state, 1, self.sizes)
        for q in self.cell.inputs:
            if not q.axes:
                number = around.with_axis(Value(calls.given[q], is_fixed=False))
                self.graph.call(number, calls.all(q).name)
        for e in self.loop.before:
            around.define(e)
        for e in self.loop.during:
            within.define(e)
        self.ends: list[str] = []
        for c in self.loop.carries:
            new = calls.one(c.leaving)
            if self.is_ragged:
                new = within.held(calls.ended[0], calls.one(c.entering), new)
            self.ends.append(self._alone(within, new, self.ends))
        self.outs = {q: self._alone(within, calls.one(q), self.ends) for q in self.kept}
        self.before, self.during = tuple(self.graph.nodes), self.body.nodes
        for e in self.loop.after:
            around.define(e)
        if self.is_ragged:
            zero = self.graph.number(0)
            self.graph.call(around.held(calls.ended[1], zero, calls.all(out)), "ys")
        self.after = self.graph.nodes[len(self.before) :]

    def _alone(self, within: NodePrinter, value: Value, given: list[str]) -> str:
        """The name of a value that the body gives out: one that it has made, and not given yet."""
        made = {node.name for node in self.body.nodes}
        if value.name in made and value.name not in given:
            return value.name
        return within.copied(value, f"{value.name}_out").name

    @property
    def taken(self) -> list[Quantity]:
        """What is read step by step; the input, where nothing else says how many there are."""
        return self.reading.taken or [self.cell.input]

    @property
    def kept(self) -> list[Quantity]:
        """What is read of all steps when the last is over."""
        made = [*(c.entering for c in self.loop.carries), *(e.lhs for e in self.loop.during)]
        return [q for q in made if q in self.reading.late]

    # for the templates

    def dims(self, q: Quantity) -> list[int]:
        """The lengths of a quantity; 1 for a number."""
        return list(extent(q.axes, self.sizes)) or [1]

    @property
    def starts(self) -> dict[str, str]:
        """What each state is before the first step, unless it goes on from another run."""
        values = {s: shortest(self.cell.starts.get(s.name, 0)) for s in self.cell.states}
        return {
            self.calls.given[s]: f"{value} before the first step" for s, value in values.items()
        }

    @property
    def code(self) -> int:
        """The number that ONNX has for the type."""
        return {"float": 1, "double": 11}[self.dtype]

    @property
    def functions(self) -> list[str]:
        """The functions that ONNX has not, and this model needs."""
        nodes = (*self.before, *self.during, *self.after)
        return sorted({node.op.removeprefix(OWN) for node in nodes if node.op.startswith(OWN)})
