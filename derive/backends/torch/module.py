"""A cell as a PyTorch module: what the templates are filled with."""

from __future__ import annotations

import re
from functools import cached_property
from hashlib import sha256

import sympy as sp

from derive.backends.functional.stacked_module import StackedModule
from derive.backends.python_lines import folded
from derive.backends.python_names import refuse_hiding
from derive.backends.torch.printer import EntryPrinter, TorchPrinter
from derive.backends.torch.words import FUNCTIONS, LAYER
from derive.entries import RANKS
from derive.names import fresh
from derive.nodes import MatVec, Quantity, is_matrix, symbols_of
from derive.program.normed import Spread, Standardised, StandardisedSlope
from derive.program.policy import PER_CALL
from derive.program.program import Program
from derive.render import render

POLICY = PER_CALL
# The functions that compute them.
NORMED = {
    Standardised: "standardise",
    Spread: "standardise",
    StandardisedSlope: "standardise_slope",
}


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    refuse_hiding(program.cell.name, {"torch", "numpy"}, "PyTorch needs")
    text = render("torch/module.py.j2", module=Module(program))
    return {f"{program.cell.name}.py": folded(text)}


class Module(StackedModule):
    """A generated module as the templates see it."""

    printer, words, argument_words = TorchPrinter, FUNCTIONS, LAYER

    def sizes(self, *routines):
        """The lengths that routines read, those of what they stack among them."""
        stacked = {axis for r in routines for q in r.kept for axis in q.axes}
        return self.sizes_of(stacked.union(*(r.sizes for r in routines)))

    @property
    def title(self) -> str:
        """The class: the cell's own name."""
        return fresh(self.about.title, set(FUNCTIONS | {"Tensor"}))

    @property
    def operation(self) -> str:
        """What tells this module's operations from those of others, the same in every process."""
        whole = (type(self).__name__, self.about.made, self.about.equations, self.given)
        text = repr((*whole, self.program.store))
        return f"{self.cell.name}_{sha256(text.encode()).hexdigest()[:12]}"

    @cached_property
    def attributes(self) -> dict[Quantity, str]:
        """What the parameters are called in the first layer. Those of others have an ending, so no
        name may be another's with one."""
        taken, found = {*LAYER, *self.arguments}, {}
        own = {p.name for p in self.cell.parameters}
        for p in self.cell.parameters:
            begin = re.sub(r"(_l\d+)?(_reverse)?$", "", p.name)
            found[p] = fresh(f"{p}_" if begin != p.name and begin in own else p.name, taken)
        return found

    @cached_property
    def biases(self) -> frozenset[Quantity]:
        """The vectors that are nothing but added to products."""
        found = {p for p in self.cell.trained if not is_matrix(p) and p.axes}
        for e in self.program.derivation.forward:
            terms = sp.Add.make_args(e.rhs)
            has_product = any(isinstance(term, MatVec) for term in terms)
            for p in found & symbols_of(e.rhs):
                others = symbols_of(e.rhs - p)
                if not has_product or p in others:
                    found = found - {p}
        return frozenset(found - set(self.cell.matrices))

    @property
    def stacks(self) -> bool:
        """Whether a layer's outputs can be the inputs of another: there is one input, a vector."""
        return len(self.cell.inputs) == 1 and len(self.cell.input.axes) == 1

    @property
    def is_tied(self) -> bool:
        """Whether the length of the input is that of something else as well."""
        others = (*self.cell.states, self.cell.output)
        return any(axis in q.axes for axis in self.cell.input.axes for q in others)

    @property
    def matrices(self) -> list[Quantity]:
        """The parameters that are drawn at random."""
        return [p for p in self.cell.parameters if p in self.cell.matrices]

    @property
    def told_biases(self) -> str:
        """The biases for people."""
        return ", ".join(p.name for p in self.cell.parameters if p in self.biases)

    @property
    def told_states(self) -> str:
        """What a layer starts from, for people."""
        shapes = [
            f"{s} {self.shape('L B' if s.axes else 'L B 1', s.axes)}" for s in self.cell.states
        ]
        return f"{'state' if len(shapes) == 1 else 'tuple of'} {', '.join(shapes)}"

    def entry(self, formula: sp.Expr) -> str:
        """A parameter's entries, where it gets its first values."""
        return EntryPrinter(RANKS, str, self.names.argument, frozenset(), {})(formula)

    @cached_property
    def helpers(self) -> list[str]:
        """The functions that PyTorch has not, and this module needs; one of numbers alone takes
        them as tensors."""
        takes_numbers = any(not a.has(Quantity) for f in self.functions for a in f.args)
        kinds = {type(e.rhs) for loop in self.loops for e in loop.equations}
        normed = {name for kind, name in NORMED.items() if kind in kinds}
        return sorted([*super().helpers, *normed, *["number"] * takes_numbers])
