"""How the arrays of a routine are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from derive.backends.numpy.text import length
from derive.nodes import Quantity
from derive.program.assemble import Routine
from derive.program.layout import Stack
from derive.program.program import Program

# How parameters are called, by the object that holds them: themselves, a direction, or gradients.
HOLDERS = {"params": "{}", "params_dot": "{}_dot", "dparams": "d{}", "dparams_dot": "d{}_dot"}


class Memory:
    """The names of a routine's arrays.

    given   for each quantity that is there beforehand, the array that holds all steps of it
    lent    stacks that other routines filled, of which this one reads parts

    A place is called after the last quantity that lies in it; ``c`` is one step of it, ``c_s`` all
    steps.
    """

    def __init__(
        self,
        program: Program,
        routine: Routine,
        given: Mapping[Quantity, str],
    ):
        self.program, self.routine, self.given = program, routine, given
        self.loop, self.storage = routine.loop, routine.storage
        self.equations = {e.lhs: e for e in self.loop.equations}
        self.label = {self.home(e.lhs): e.lhs.name for e in self.loop.equations}
        self.slot = {q: (s, k) for s in self.storage.stacks for k, q in enumerate(s.members)}
        self.carried = {c.entering for c in self.loop.carries}
        self.trajectories = {q for pair in self.storage.trajectory.items() for q in pair}
        self.stack_of = {p: w for w in program.layout.weights for p in w.parameters}
        self.weights: dict[str, str] = {}
        quantities = (*self.loop.known, *self.equations, *self.carried, *program.names.parameters)
        names = {q.name for q in quantities}
        self.taken = frozenset(names | {f"{name}_s" for name in names})  # not for scratch arrays

    def home(self, q: Quantity) -> Quantity:
        """The quantity in whose place this one lies."""
        return self.storage.home.get(q, q)

    def name(self, q: Quantity) -> str:
        """One step of a quantity."""
        if q in self.given or q in self.trajectories:
            return str(q.name)
        return self.label.get(self.home(q), str(self.home(q)))

    def sequence(self, q: Quantity) -> str:
        """All steps of a quantity."""
        if q in self.given:
            return self.given[q]
        for entering, leaving in self.storage.trajectory.items():
            if q in (entering, leaving):
                return f"{entering}_s[{':-1' if q == entering else '1:'}]"
        return f"{self.name(q)}_s"

    def is_kept(self, q: Quantity) -> bool:
        """Whether there is an array of all steps of it."""
        return q in self.given or q in self.trajectories or self.storage.is_sequence(q)

    def is_fixed(self, q: sp.Basic) -> bool:
        """Whether it is the same at every step."""
        return q in self.program.names.parameters or q in self.storage.constants

    def fixed(self, q: Quantity) -> str:
        """A parameter, a gradient or a direction by itself, or a constant."""
        if q in self.storage.constants:
            return q.name
        holder, parameter = self.program.names.parameters[q]
        self.weights.setdefault(q.name, f'{q.name} = {holder}["{parameter}"]')
        return q.name

    def weight(self, parameters: tuple[Quantity, ...]) -> str:
        """Parameters stacked, or the one there is."""
        if len(parameters) == 1:
            return self.fixed(parameters[0])
        holder, first = self.program.names.parameters[parameters[0]]
        stack = self.stack_of[first]
        name = HOLDERS[holder].format(stack.name)
        self.weights.setdefault(name, f'{name} = {holder}.stacked["{stack.name}"]')
        return name

    def run_of(self, quantities: tuple[Quantity, ...]) -> tuple[Stack, str, str]:
        """Neighbours in a stack: the stack, what they are called together, and the slice, empty for
        the whole."""
        stack, start = self.slot[self.home(quantities[0])]
        if len(quantities) == len(stack.members):
            return stack, stack.name, ""
        low = length(a for q in stack.members[:start] for a in q.axes)
        ends_it = start + len(quantities) == len(stack.members)
        ends = stack.members[: start + len(quantities)]
        high = "" if ends_it else length(a for q in ends for a in q.axes)
        names = list(map(self.name, quantities))
        together = "_".join(names)
        if len(together) > 30:
            together = f"{names[0]}_to_{names[-1]}"
        return stack, together, slice_text(low, high)

    def ordered(self, quantities: Iterable[Quantity]) -> list[Quantity]:
        """In the order in which they are defined."""
        rank = {home: n for n, home in enumerate(self.label)}
        return sorted(quantities, key=lambda q: rank[self.home(q)])


def slice_text(low: str, high: str) -> str:
    """A slice as a formatter spaces it."""
    if " " not in low + high:
        return f"{low}:{high}"
    return f"{low} : {high}".strip()
