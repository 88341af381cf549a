"""A cell as a Flax NNX module: what the template is filled with."""

from __future__ import annotations

from functools import cached_property

from derive.backends.flax.words import LAYER, MODULE
from derive.backends.jax import module as jax_module
from derive.backends.python_lines import folded
from derive.backends.python_names import refuse_hiding
from derive.names import fresh
from derive.nodes import Quantity
from derive.program.program import Program
from derive.render import render

POLICY = jax_module.POLICY


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    refuse_hiding(program.cell.name, {"jax", "jaxlib", "numpy", "flax"}, "Flax needs")
    text = render("flax/module.py.j2", module=Module(program))
    return {f"{program.cell.name}.py": folded(text)}


class Module(jax_module.Module):
    """A generated module as the template sees it: JAX's, and the layer."""

    words = jax_module.Module.words | MODULE

    @property
    def title(self) -> str:
        """The class: the cell's own name."""
        return fresh(self.about.title, set(self.words))

    @cached_property
    def attributes(self) -> dict[Quantity, str]:
        """What the layer calls its parameters."""
        taken = set(LAYER)
        return {p: fresh(p.name, taken) for p in self.cell.parameters}
