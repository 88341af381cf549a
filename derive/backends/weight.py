"""The parameters of a routine, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass

from derive.program.naming import Names
from derive.program.program import Program
from derive.program.statements import Group
from derive.program.variants import Variant


@dataclass(frozen=True)
class Weight:
    """A parameter, or a stack of them, that a routine reads or writes, under a name.

    key       what it is called where it is found
    is_stack  whether it is a stack
    """

    name: str
    variant: Variant
    key: str
    is_stack: bool

    @property
    def pair(self) -> tuple[str, str]:
        """Its name, and where it is found."""
        return self.name, self.key

    @property
    def params(self) -> str:
        """The Params that it is found in."""
        return self.variant.of("params")


def weight_of(program: Program, names: Names, parameters: Group) -> Weight:
    """Parameters that are stacked, or the one there is."""
    variant, first = program.parameters[parameters[0]]
    if len(parameters) == 1:
        return Weight(names.one(parameters[0]), variant, first.name, False)
    stack = next(w.name for w in program.layout.weights if first in w.parameters)
    return Weight(names.weights(variant, stack), variant, stack, True)
