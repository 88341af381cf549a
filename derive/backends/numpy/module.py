"""A cell as a Python module that needs nothing but NumPy: what the templates are filled with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from derive.backends.numpy.printer import helpers
from derive.backends.numpy.routine import Routine
from derive.backends.python_lines import folded
from derive.backends.python_module import PythonModule
from derive.backends.python_names import refuse_hiding
from derive.nodes import Axis
from derive.program.buffers import Buffer, Span
from derive.program.interface import Call
from derive.program.policy import PER_CALL
from derive.program.program import Program
from derive.program.statements import Activate, HeadTotal, Standardise, StandardiseSlope, Sum
from derive.program.sums import factors
from derive.program.views import Parts, numbers
from derive.render import render

POLICY = PER_CALL
NORMED = {Standardise: "standardise", StandardiseSlope: "standardise_slope"}  # their functions


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    refuse_hiding(program.cell.name, {"numpy"}, "needs")
    module = Module(program)
    return {f"{program.cell.name}.py": folded(render(module.template, module=module))}


class Module(PythonModule):
    """A generated module as the templates see it."""

    named = ("forward", "backward", "step", "tangents", "onward")
    dtypes = ("float64", "float32", "complex128")

    def __init__(self, program: Program):
        super().__init__(program)
        calls = program.interface
        self.forward = Routine(program, calls.forward, self.names, True, also=calls.tape.alone)
        self.backward = Routine(program, calls.backward, self.names, is_in_place=True)
        self.step = Routine(program, calls.step, self.names, is_in_place=False)
        there, back = calls.tangents
        self.back = Routine(program, back, self.names, is_in_place=False)
        self.read_back = there.handed(back)
        alone = {q for names in self.back.views.tenants.values() for q in names}
        handed = sorted(alone & self.read_back, key=str)
        self.tangents = Routine(program, there, self.names, False, also=tuple(handed))

    @property
    def routines(self) -> tuple[Routine, ...]:
        """All of them."""
        return (self.forward, self.backward, self.step, self.tangents, self.back)

    @property
    def moving(self) -> tuple[Call, Call]:
        """The routines that have the tangents of inputs and of their adjoints."""
        return self.calls.tangents

    def sizes(self, *routines: Routine) -> list[Axis]:
        """The axes whose lengths the routines name."""
        return [a for a in self.axes if any(a in routine.sizes for routine in routines)]

    def sizes_of(self, axes: Iterable[Axis]) -> list[tuple[str, str]]:
        """What the lengths of axes are called, and the arguments that they are."""
        return [(self.names.size(axis), self.names.argument(axis)) for axis in axes]

    def tape_parts(self, *routines: Routine) -> list[Parts]:
        """Names for the parts of the tape's stacks that the routines see."""
        tape = self.program.interface.tape
        seen = {region.buffer for r in routines for region in r.views.tenants}
        return [Parts(b, tape.parts(b)) for b in tape.buffers if b in seen and len(b.parts) > 1]

    @cached_property
    def handed(self) -> dict[str, Buffer]:
        """The arrays of the tangents that hvp reads on its way back, as they are called there."""
        there, _ = self.calls.tangents
        read = {there.memory.region((q,)).buffer for q in self.read_back}
        made = dict.fromkeys(found.buffer for found in there.memory.homes.values())
        return {self.handed_name(b): b for b in made if b in read}

    def handed_name(self, buffer: Buffer) -> str:
        """What an array is called on the way back."""
        if len(buffer.parts) > 1 or buffer.span is Span.TRAJECTORY:
            return self.names.buffer(buffer)
        tenants = self.back.views.names(buffer)  # some may be the way there's own
        return self.names.all(next(q for q in tenants if q in self.read_back))

    @property
    def handed_parts(self) -> list[Parts]:
        """Names for the parts of these arrays that the way back sees."""
        return self.back.views.parts(b for b in self.handed.values() if len(b.parts) > 1)

    # functions of its own

    @cached_property
    def helpers(self) -> set[str]:
        """The functions that NumPy has not, and this module needs."""
        every = [s for r in self.routines for s in r.call.routine.statements]
        activations = [f for s in every if isinstance(s, Activate) for f in s.functions]
        formulas = [*self.about.entries.values(), *(e for s in every for e in numbers(s))]
        by_heads = {"by_heads"} if any(isinstance(s, HeadTotal) for s in every) else set()
        normed = {NORMED[type(s)] for s in every if type(s) in NORMED}
        sums = any(isinstance(s, Sum) and factors(s.expr) for s in every)
        normed |= {"each"} if normed else set()
        dot = {"dot"} if sums or normed else set()
        return helpers(formulas, activations) | by_heads | normed | dot
