"""A cell as a graph, as the templates see it: one loop of its equations, or one operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from derive import VERSION
from derive.backends.about import About
from derive.backends.functional.graph import Graph, Value
from derive.backends.functional.reading import Reading
from derive.backends.onnx.printer import OnnxPrinter
from derive.backends.onnx.words import OWN, WORDS
from derive.evaluation.arrays import Array, extent
from derive.names import fresh
from derive.nodes import Axis, Quantity, as_written
from derive.printing import shortest
from derive.program.naming import Names
from derive.program.program import Program
from derive.weights.fit import Fit
from derive.weights.values import value


class Model:
    """What a model of a cell takes and gives, under its names.

    sizes      the length of each axis
    dtype      the type of its numbers, as ONNX calls it: float or double
    is_ragged  whether it is told where sequences end

    given      what goes in: inputs, states, the number of the first step
    final      the states that come out
    own        what the template computes besides
    """

    version = VERSION
    template: str
    operator: Any = None  # of ONNX's own, where the model is one

    def __init__(self, program: Program, sizes: Mapping[Axis, int], dtype: str, is_ragged: bool):
        self.program, self.cell, self.about = program, program.cell, About(program, str)
        self.sizes, self.dtype, self.is_ragged = sizes, dtype, is_ragged
        self.names = Names(program, WORDS, loops=[program.loops.forward])
        self.given = {q: self.names.one(q) for q in (*self.cell.given, *self.cell.states)}
        if len(self.cell.inputs) == 1:
            self.given[self.cell.input] = "xs"
        self.final = {s: self.names.free(f"{s}_final") for s in self.cell.states}
        self.own = {word: self.names.free(word) for word in OWN}

    def dims(self, q: Quantity) -> list[int]:
        """The lengths of a quantity; 1 for a number."""
        return list(extent(q.axes, self.sizes)) or [1]

    @property
    def functions(self) -> list[str]:
        """The functions that ONNX has not, and this model needs."""
        return []

    def constants(self, weights: Mapping[Quantity, Array]) -> dict[str, Array]:
        """The arrays that lie in the model, by name, where parameters have these values."""
        raise NotImplementedError

    @property
    def starts(self) -> dict[str, str]:
        """What each state is before the first step, unless it goes on from another run."""
        values = {s: shortest(self.cell.starts.get(s.name, 0)) for s in self.cell.states}
        return {self.given[s]: f"{value} before the first step" for s, value in values.items()}


class Scan(Model):
    """A loop of the cell's own equations.

    before, during, after  nodes: for all steps at once, of one step, and for all steps again
    ends                   what a step hands on
    outs                   what is kept of every step, and what it is called within one
    """

    template = "onnx/scan.onnx.j2"

    def __init__(self, program: Program, sizes: Mapping[Axis, int], dtype: str, is_ragged: bool):
        super().__init__(program, sizes, dtype, is_ragged)
        self.loop = program.loops.forward
        self.reading = Reading(program, self.loop, {self.cell.output})
        self.of_all = {q: self.given[q] for q in self.cell.inputs if q.axes}
        if not is_ragged:
            self.of_all[self.cell.output] = "ys"
        taken = (q for q in self.cell.given if self.given[q] == self.names.one(q))
        of_one = {s: f"{s}_prev" for s in self.cell.states} | {q: f"{q}_t" for q in taken}
        self.of_one = {q: self.names.free(name) for q, name in of_one.items()}
        self.graph = Graph(self.names.free)
        self.body = Graph(self.names.free, self.graph)
        self._write()

    def all(self, q: Quantity) -> Value:
        """All steps of a quantity, or what is the same at each of them."""
        if q in self.reading.fixed:
            return Value(self.names.one(q), q.axes)
        return Value(self.of_all.get(q) or self.names.all(q), q.axes, is_fixed=False)

    def one(self, q: Quantity) -> Value:
        """One step of it."""
        if q in self.reading.fixed:
            return self.all(q)
        return Value(self.of_one.get(q) or self.names.one(q), q.axes, is_fixed=False)

    def _write(self) -> None:
        """Write the loop into the graphs."""
        around = OnnxPrinter(self.program.rank, self.graph, self.all, self.sizes)
        around.lead = Value(self.given[self.cell.input], is_fixed=False), 2
        within = OnnxPrinter(self.program.rank, self.body, self.one, self.sizes)
        within.lead = self.one(self.cell.states[0]), 1
        for q in self.cell.inputs:
            if not q.axes:
                number = around.between(Value(self.given[q], is_fixed=False), (), [-1])
                around.call(number, self.all(q).name)
        for e in self.loop.before:
            around.define(e)
        for e in self.loop.during:
            within.define(e)
        self.ends: list[str] = []
        ended, all_ended = (Value(self.own[k], is_fixed=False) for k in ("ended", "ended_s"))
        for c in self.loop.carries:
            new = self.one(c.leaving)
            new = within.held(ended, self.one(c.entering), new) if self.is_ragged else new
            self.ends.append(self._alone(within, new))
        self.outs = {q: self._alone(within, self.one(q)) for q in self.kept}
        self.before, self.during = tuple(self.graph.nodes), self.body.nodes
        for e in self.loop.after:
            around.define(e)
        if self.is_ragged:
            zero, ys = self.graph.number(0), self.all(self.cell.output)
            around.call(around.held(all_ended, zero, ys), "ys")
        self.after = self.graph.nodes[len(self.before) :]

    def _alone(self, within: OnnxPrinter, value: Value) -> str:
        """The name of a value that the body gives out: one that it has made, and not given yet."""
        if value.name in {node.name for node in self.body.nodes} - {*self.ends}:
            return value.name
        name = self.names.free(f"{value.name}_out")
        within.call(value, name)
        return name

    @property
    def taken(self) -> list[Quantity]:
        """What is read step by step; the input, where nothing else says how many there are."""
        return self.reading.taken or [self.cell.input]

    @property
    def kept(self) -> list[Quantity]:
        """What is read of all steps when the last is over."""
        made = [*(c.entering for c in self.loop.carries), *(e.lhs for e in self.loop.during)]
        return [q for q in made if q in self.reading.late]

    @property
    def functions(self) -> list[str]:
        own, nodes = OnnxPrinter.own, (*self.before, *self.during, *self.after)
        return sorted({node.op.removeprefix(own) for node in nodes if node.op.startswith(own)})

    def constants(self, weights):
        return {self.names.one(q): array for q, array in weights.items()} | self.graph.constants


class Operator(Model):
    """One of ONNX's own recurrent operators, which has been proved to do what the cell does.

    activations        the functions that it is made with
    switches           its other options, and whether they are set
    states             in the operator's order
    first, last, held  what these are called as the operator takes them, gives them, and has them
                       for sequences that have a step
    arrays             what its arrays are called
    """

    template = "onnx/operator.onnx.j2"

    def __init__(self, fit: Fit, *of_a_model: Any):
        super().__init__(*of_a_model)
        self.fit, self.operator = fit, fit.variant.operator
        settings = fit.variant.settings
        self.switches = {k: v == "true" for k, v in settings.items() if v in ("true", "false")}
        self.activations = [v.capitalize() for k, v in settings.items() if k not in self.switches]
        self.states = [fit.match.aligned.quantities[s] for s in fit.variant.cell.states]
        self.first, self.last, self.held = (
            {s: self.names.free(f"{s}_{word}") for s in self.states}
            for word in ("first", "last", "held")
        )
        rows = {array: fit.arrays[array.name] for array in self.operator.arrays}
        self.rows = {a: row for a, (row,) in rows.items() if any(row) or not a.group}
        named = (self.given, self.final, self.own, self.first, self.last, self.held)
        taken = WORDS.union(*(names.values() for names in named))
        self.arrays = {array.name: fresh(array.name, {*taken}) for array in self.rows}

    @property
    def made_of(self) -> dict[str, str]:
        """What lies in each array one above the other, for people."""
        return {self.arrays[a.name]: ", ".join(map(as_written, r)) for a, r in self.rows.items()}

    def constants(self, weights):
        of = {q.name: array for q, array in weights.items()}
        theirs = {p.name: p for p in self.fit.variant.cell.parameters}
        axes, found = self.fit.match.aligned.axes, {}
        for array, row in self.rows.items():
            own = next(theirs[part].axes for part in array.parts if part in theirs)
            shape = tuple(self.sizes[axes[axis]] for axis in own)
            parts = [value(part, of, shape) for part in row]
            found[self.arrays[array.name]] = np.concatenate(parts)[None]
        return found
