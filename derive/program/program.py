"""Everything a backend needs to write a cell in its language, each level computed when it is asked
for.

    derivation   the equations in normal form and their adjoints: enough for a page or a picture
    loops        what runs before, during and after the loop over time: for targets with arrays of
                 their own, such as PyTorch and ONNX
    interface    the loops as statements on buffers: for targets where memory is ours to lay out
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell
from derive.names import ranks
from derive.nodes import Quantity
from derive.program.assemble import Parameters
from derive.program.interface import Interface
from derive.program.layout import Layout, layout
from derive.program.loops import Loops
from derive.program.policy import PER_CALL, Policy
from derive.program.routine import Routines, Setting
from derive.program.storage import Variants
from derive.program.variants import Variant

# The routines of a target whose jvp and hvp compute the tangents each by itself.
SEPARATE = ("forward", "backward", "step", "jvp", "there", "back")


@dataclass(frozen=True)
class Program:
    """A cell, and all that follows from it.

    cell    the cell
    store   what forward keeps for backward; see `derive.program.loops.Loops`
    policy  what is cheap in the target
    """

    cell: Cell
    store: str = "all"
    policy: Policy = PER_CALL

    @cached_property
    def derivation(self) -> Adjoint:
        """The equations in normal form and their adjoints."""
        return adjoint(self.cell)

    @cached_property
    def loops(self) -> Loops:
        """The loops over time, scheduled."""
        return Loops(self.derivation, self.store, self.policy)

    @cached_property
    def layout(self) -> Layout:
        """What lies next to what in memory: the same for every target, whatever its policy."""
        is_usual = self.store == "all" and self.policy.hoist_elementwise
        usual = self.loops if is_usual else Loops(self.derivation)
        return layout(self.cell, usual.forward, self.derivation.computed)

    @cached_property
    def parameters(self) -> Parameters:
        """Which quantities are parameters, gradients or directions."""
        return Parameters(
            {
                variant_of[p]: (variant, p)
                for variant, variant_of in self.variants.items()
                for p in self.cell.parameters
            }
        )

    @cached_property
    def variants(self) -> Variants:
        """For each variant, what the quantities are called in it."""
        bar, dot = self.derivation.bar, self.loops.dot
        everything = (*self.cell.quantities, *(e.lhs for e in self.derivation.forward))
        return {
            Variant.PRIMAL: {q: q for q in everything},
            Variant.ADJOINT: bar,
            Variant.TANGENT: dot,
            Variant.ADJOINT_TANGENT: {q: dot[b] for q, b in bar.items() if b in dot},
        }

    @cached_property
    def routines(self) -> Routines:
        """The loops as statements in order, by name; hvp is the two, `there` and `back`, or
        `tangents`, which serve jvp as well, and what goes `onward` from there."""
        setting = Setting(self.layout, self.variants, self.parameters, self.policy)
        loops = self.loops
        return Routines(
            {
                "forward": lambda: loops.forward,
                "backward": lambda: loops.backward,
                "step": lambda: loops.step,
                "jvp": lambda: loops.jvp,
                "there": lambda: loops.hvp[0],
                "back": lambda: loops.hvp[1],
                "tangents": lambda: loops.tangents[0],
                "onward": lambda: loops.tangents[1],
            },
            setting,
        )

    @cached_property
    def interface(self) -> Interface:
        """The routines with their memory, and what they leave for each other."""
        return Interface(self.derivation, self.loops, self.routines)

    @cached_property
    def rank(self) -> dict[str, int]:
        """The order of quantities in sums and products: adjoints and tangents first, then the
        cell's own as they are defined."""
        derived, dot = self.derivation, self.loops.dot
        first: tuple[Quantity, ...] = (
            *derived.carry.values(),
            derived.seed,
            *derived.bar.values(),
            *dot.values(),
        )
        own = (*self.cell.parameters, *self.cell.given, *self.cell.states)
        forward = (*own, *(e.lhs for e in derived.forward))
        return ranks(q.name for q in (*first, *forward))
