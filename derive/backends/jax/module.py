"""A cell as a JAX module: what the templates are filled with."""

from __future__ import annotations

import sympy as sp

from derive.backends.functional.module import FunctionalModule
from derive.backends.jax.printer import JaxPrinter
from derive.backends.jax.words import FUNCTIONS, INIT
from derive.backends.python_lines import folded
from derive.backends.python_names import refuse_hiding
from derive.entries import RANKS
from derive.nodes import Quantity
from derive.program.policy import PER_OPERATION
from derive.program.program import Program
from derive.render import render

POLICY = PER_OPERATION


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    refuse_hiding(program.cell.name, {"jax", "jaxlib", "numpy"}, "JAX needs")
    text = render("jax/module.py.j2", module=Module(program))
    return {f"{program.cell.name}.py": folded(text)}


class Module(FunctionalModule):
    """A generated module as the templates see it."""

    printer, words, argument_words = JaxPrinter, FUNCTIONS, INIT

    @property
    def number(self) -> str:
        """What the number of each step is called; empty where it is not read."""
        return self.names.all(self.cell.number) if self.cell.number else ""

    def grouped(self, *variants: dict[Quantity, Quantity]) -> list[list[str]]:
        """What is called so of parameters, of inputs, and of states: see `of`."""
        names = self.of(*variants)
        first, last = len(self.cell.parameters), len(names) - len(self.cell.states)
        return [names[:first], names[first:last], names[last:]]

    @property
    def drawn(self) -> list[Quantity]:
        """The parameters that are drawn at random."""
        others = {p.name for p in self.about.entries} | self.about.initial.keys()
        return [p for p in self.cell.parameters if p in self.cell.matrices and p.name not in others]

    def entry(self, formula: sp.Expr) -> str:
        """A parameter's entries, where it gets its first values."""
        return JaxPrinter(RANKS, str, self.names.argument, frozenset(), {})(formula)
