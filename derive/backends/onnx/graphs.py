"""A cell as a graph, as the templates see it: one loop of its equations, or one operator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from derive import VERSION
from derive.backends.about import About
from derive.backends.functional.loop_nodes import LoopNodes
from derive.backends.onnx.printer import OnnxPrinter
from derive.backends.onnx.words import OWN, WORDS
from derive.evaluation.arrays import Array, extent
from derive.names import fresh
from derive.nodes import Axis, Quantity
from derive.printing import shortest
from derive.program.naming import Names
from derive.program.program import Program
from derive.weights.arrays import in_numbers, in_words
from derive.weights.fit import Fit


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
    fit: Any = None  # with the operator that it is, where it is one

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
    """A loop of the cell's own equations."""

    template = "onnx/scan.onnx.j2"

    @cached_property
    def nodes(self) -> LoopNodes:
        """The loop."""
        ended = (self.own["ended"], self.own["ended_s"]) if self.is_ragged else None
        loop = self.program.loops.forward
        how = self.names, OnnxPrinter, self.sizes, self.given, "ys", ended
        return LoopNodes(self.program, loop, *how)

    @property
    def functions(self) -> list[str]:
        return self.nodes.functions

    def constants(self, weights):
        own = {self.names.one(q): array for q, array in weights.items()}
        return own | self.nodes.graph.constants


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
        self.fit, settings = fit, fit.variant.settings
        self.switches = {k: v == "true" for k, v in settings.items() if v in ("true", "false")}
        self.activations = [v.capitalize() for k, v in settings.items() if k not in self.switches]
        self.states = [fit.match.aligned.quantities[s] for s in fit.variant.cell.states]
        self.first, self.last, self.held = (
            {s: self.names.free(f"{s}_{word}") for s in self.states}
            for word in ("first", "last", "held")
        )
        named = (self.given, self.final, self.own, self.first, self.last, self.held)
        taken = WORDS.union(*(names.values() for names in named))
        self.made_of = in_words(fit)
        self.arrays = {name: fresh(name, {*taken}) for name in self.made_of}

    def constants(self, weights):
        values = in_numbers(self.fit, {q.name: a for q, a in weights.items()}, self.sizes)
        return {self.arrays[name]: array for name, array in values.items()}
