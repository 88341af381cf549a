"""The loop over time and the statements in it: NumPy for one step."""

from __future__ import annotations

from functools import singledispatchmethod

from derive.backends.numpy.memory import Memory
from derive.backends.numpy.phase import Phase
from derive.backends.numpy.text import shape_of
from derive.backends.numpy.writers import Writer
from derive.names import fresh
from derive.nodes import Quantity
from derive.program.statements import (
    Product,
    PullBack,
    Statement,
)


class OneStep(Phase):
    """The loop: every line is about one step, on views into what is kept for all of them."""

    indent = 8

    def __init__(self, memory: Memory, writer: Writer):
        super().__init__(memory, writer)
        self.views: dict[str, str] = {}

    def place(self, q):
        memory = self.memory
        if memory.is_fixed(q):
            return memory.fixed(q)
        name = memory.name(q)
        if memory.is_kept(q):
            return self.view(name, memory.sequence(q))
        if memory.home(q) not in memory.carried | memory.slot.keys() and not self.writer.makes(
            q, memory
        ):
            self.scratch.setdefault(name, f"{name} = np.empty({shape_of(['B'], q.axes)}, dtype)")
        return name

    def view(self, name: str, array: str) -> str:
        """One step of an array of all steps."""
        return self.writer.view(name, array, self.views)

    def run(self, quantities):
        if len(quantities) == 1:
            return self.place(quantities[0])
        stack, name, part = self.memory.run_of(quantities)
        if self.memory.storage.is_sequence(stack.members[0]):
            return self.view(name, f"{stack.name}_s[..., {part}]" if part else f"{stack.name}_s")
        if part:
            self.scratch.setdefault(name, f"{name} = {stack.name}[:, {part}]")
        return name

    def borrow(self, name, size):
        name = fresh(name, set(self.memory.taken))
        self.borrowed.add(name)
        self.scratch.setdefault(name, f"{name} = np.empty((B, {size}), dtype)")
        return name

    def columns(self, name: str, size: str) -> str:
        """A scratch array with a column for each sequence."""
        name = fresh(name, set(self.memory.taken))
        self.borrowed.add(name)
        self.scratch.setdefault(name, f"{name} = np.empty(({size}, B), dtype)")
        return name

    @singledispatchmethod
    def lines(self, statement: Statement) -> list[str]:
        return super().lines(statement)

    @lines.register
    def _(self, s: Product) -> list[str]:
        out, weight = self.run(s.outs), self.memory.weight(s.matrices)
        if self.memory.is_fixed(s.operand):
            return self.put(out, f"{weight} @ {self.place(s.operand)}", s.adds)
        return self.writer.product(s, self, out, self.place(s.operand), weight, transposed=True)

    @lines.register
    def _(self, s: PullBack) -> list[str]:
        out, weight = self.place(s.outs[0]), self.memory.weight(s.matrices)
        if self.memory.is_fixed(s.operands[0]):
            return self.put(out, f"{weight}.T @ {self.side_by_side(s.operands)}", s.adds)
        return self.writer.product(s, self, out, self.run(s.operands), weight, transposed=False)

    # the loop around the statements

    def header(self) -> list[str]:
        """The head of the loop."""
        return self.writer.header(self.views, self.memory.loop.reverse)

    def hold_before(self) -> list[str]:
        """Copies of what a step writes over, for the sequences that have ended."""
        carries = [
            c.entering
            for c in self.memory.loop.carries
            if c.entering not in self.memory.trajectories
        ]
        names = [self.memory.name(q) for q in carries]
        return [f"{name}_before = {name}.copy()" for name in names]

    def hold_ended(self) -> list[str]:
        """What keeps a sequence that has ended as it is: its state goes through, and nothing is
        learnt from it."""
        loop, lines = self.memory.loop, []
        if loop.reverse:
            late = {s for e in loop.after for s in e.rhs.atoms(Quantity)} | loop.wanted
            kept = dict.fromkeys(self.largest(e.lhs) for e in loop.during if e.lhs in late)
            lines = [f"np.copyto({name}, 0, where=ended)" for name in kept]
        for carry in loop.carries:
            old, new = self.place(carry.entering), self.place(carry.leaving)
            if carry.entering in self.memory.trajectories:
                lines.append(f"np.copyto({new}, {old}, where=ended)")
            else:
                lines.append(f"np.copyto({old}, {old}_before, where=ended)")
        return lines

    def largest(self, q: Quantity) -> str:
        """The stack the quantity lies in, or its own array."""
        slot = self.memory.slot.get(self.memory.home(q))
        return self.run(slot[0].members) if slot else self.place(q)
