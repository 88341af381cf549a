"""A cell as a module of functions on whole arrays, where every call costs."""

from __future__ import annotations

from collections.abc import Collection

from derive.backends.functional.module import FunctionalModule
from derive.backends.functional.stacked import Stacked
from derive.nodes import Quantity
from derive.program.loop import Loop
from derive.program.program import Program


class StackedModule(FunctionalModule):
    """A generated module whose routines have what lies side by side in one."""

    forward: Stacked
    there: Stacked

    def scheduled(self, program: Program) -> tuple[Loop, ...]:
        """With sums over vectors of one form as sums over what lies side by side."""
        names = ("forward", "backward", "jvp", "there", "back")
        return tuple(program.routines[name].loop for name in names)

    def _routine(self, loop: Loop, later: Collection[Quantity]) -> Stacked:
        known = self.forward.handed if loop is not self.loops[0] else []
        if loop is self.loops[-1]:
            known = [*known, *self.there.handed]
        return Stacked(self.program, loop, self.names, later, self.printer, known)

    @property
    def tape_arrays(self) -> list[tuple[str, str]]:
        """What is on the tape beside the states, and the lengths of one step of it."""
        apart = {q for whole in self.forward.handed for q in whole.group}
        alone = [(self.names.all(q), self.lengths(q)) for q in self.tape if q not in apart]
        return [*alone, *((w.all, self.forward.width(w.group)) for w in self.forward.handed)]

    @property
    def tape_names(self) -> list[str]:
        states = (self.names.all(c.entering) for c in self.trajectories)
        return [*(name for name, _ in self.tape_arrays), *states]
