"""The statements before and after a loop: NumPy for all steps at once."""

from __future__ import annotations

from functools import singledispatchmethod

from derive.backends.numpy.phase import Phase
from derive.backends.numpy.text import broken
from derive.names import fresh
from derive.program.statements import (
    OuterTotal,
    Product,
    PullBack,
    Statement,
    Total,
)


class AllSteps(Phase):
    """A phase before or after the loop: every line is about all steps at once."""

    def place(self, q):
        return self.memory.fixed(q) if self.memory.is_fixed(q) else self.memory.sequence(q)

    def run(self, quantities):
        if len(quantities) == 1:
            return self.place(quantities[0])
        stack, _, part = self.memory.run_of(quantities)
        return f"{stack.name}_s[..., {part}]" if part else f"{stack.name}_s"

    def borrow(self, name, size):
        name = fresh(f"{name}_s", set(self.memory.taken))
        self.borrowed.add(name)
        self.scratch.setdefault(name, f"{name} = np.empty((T, B, {size}), dtype)")
        return name

    @singledispatchmethod
    def lines(self, statement: Statement) -> list[str]:
        return super().lines(statement)

    @lines.register
    def _(self, s: Product) -> list[str]:
        out, weight = self.run(s.outs), self.memory.weight(s.matrices)
        if self.memory.is_fixed(s.operand):
            return self.fixed_product(s, out, f"{weight} @ {self.place(s.operand)}")
        return self.product(out, f"_rows({self.place(s.operand)})", f"{weight}.T", s.adds)

    @lines.register
    def _(self, s: PullBack) -> list[str]:
        out, weight = self.place(s.outs[0]), self.memory.weight(s.matrices)
        if self.memory.is_fixed(s.operands[0]):
            return self.fixed_product(s, out, f"{weight}.T @ {self.side_by_side(s.operands)}")
        return self.product(out, f"_rows({self.run(s.operands)})", weight, s.adds)

    def fixed_product(self, s: Product | PullBack, out: str, value: str) -> list[str]:
        """A product of what is the same at every step."""
        if s.outs[0] in self.memory.storage.constants:
            return [f"{out} = {f'{out} + ' * s.adds}{value}"]
        return self.put(out, value, s.adds)

    def product(self, out: str, rows: str, weight: str, adds: bool) -> list[str]:
        if adds:
            return [f"_rows({out})[...] += {rows} @ {weight}"]
        return [f"np.matmul({rows}, {weight}, out=_rows({out}))"]

    @lines.register
    def _(self, s: OuterTotal) -> list[str]:
        gradient, is_fixed = self.memory.weight(s.outs), self.memory.is_fixed
        if is_fixed(s.right) or is_fixed(s.lefts[0]):
            left = (
                self.side_by_side(s.lefts) if is_fixed(s.lefts[0]) else self.sum(self.run(s.lefts))
            )
            right = self.place(s.right) if is_fixed(s.right) else self.sum(self.place(s.right))
            return [f"{gradient}[...] {'+=' if s.adds else '='} np.outer({left}, {right})"]
        lefts = self.run(s.lefts)
        rows = f"_rows({lefts}).T", f"_rows({self.place(s.right)})"
        if s.adds:
            return [f"{gradient} += {rows[0]} @ {rows[1]}"]
        return [f"np.matmul({rows[0]}, {rows[1]}, out={gradient})"]

    def sum(self, array: str) -> str:
        """The sum over steps and sequences."""
        return f"np.sum({array}, axis=(0, 1))"

    @lines.register
    def _(self, s: Total) -> list[str]:
        gradient = self.memory.weight(s.outs)
        if len(s.terms) > 1:
            return [f"np.sum({self.run(s.terms)}, axis=(0, 1), out={gradient})"]
        (q,), value = s.outs, self.writer.infix(self)(s.terms[0])
        axis = ", axis=(0, 1)" if q.axes else ""
        return broken(f"{gradient}[...] = np.sum({value}{axis})", self.indent)
