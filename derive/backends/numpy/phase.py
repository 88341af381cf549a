"""The statements of a routine as lines of NumPy: what its phases have in common.

Before and after the loop a statement is done for all steps at once (`all_steps`), in the loop for
one (`one_step`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatchmethod

from derive.backends.numpy.memory import Memory
from derive.backends.numpy.text import broken, length
from derive.backends.numpy.writers import Writer
from derive.nodes import Axes, Quantity
from derive.program.statements import (
    Activate,
    AddStack,
    Compute,
    Statement,
)


class Phase:
    """Prints the statements of one phase of a routine; asks for scratch arrays as it goes."""

    indent = 4  # of its lines in the function

    def __init__(self, memory: Memory, writer: Writer):
        self.memory, self.writer = memory, writer
        self.scratch: dict[str, str] = {}
        self.borrowed: set[str] = set()

    def place(self, q: Quantity) -> str:
        """The array that holds a quantity in this phase."""
        raise NotImplementedError

    def run(self, quantities: tuple[Quantity, ...]) -> str:
        """Neighbours in a stack as one array."""
        raise NotImplementedError

    def borrow(self, name: str, size: str) -> str:
        """A scratch array, given all but the leading lengths of its shape."""
        raise NotImplementedError

    def work(self, axes: Axes, number: int) -> str:
        """A scratch array of a quantity's shape."""
        suffix = "".join(axis.letter for axis in axes if axis.letter != "H") if axes else "1"
        name = f"work{'_' * bool(suffix)}{suffix}{number if number > 1 else ''}"
        return self.borrow(name, length(axes) or "1")

    def print(self, statements: Iterable[Statement]) -> list[str]:
        """The lines of the statements."""
        return [line for statement in statements for line in self.lines(statement)]

    @singledispatchmethod
    def lines(self, statement: Statement) -> list[str]:
        """The lines of one statement."""
        raise TypeError(f"no NumPy for {type(statement).__name__}")

    @lines.register
    def _(self, s: Compute) -> list[str]:
        (q,) = s.outs
        if s.expr == 0 and q not in self.memory.storage.constants:
            return [f"{self.place(q)}.fill(0)"]
        return self.writer.compute(s, self)

    @lines.register
    def _(self, s: AddStack) -> list[str]:
        return self.put(self.run(s.outs), self.memory.weight(s.vectors), s.adds)

    @lines.register
    def _(self, s: Activate) -> list[str]:
        by_function: dict[str, list[Quantity]] = {}
        for q, function in zip(s.outs, s.functions, strict=True):
            by_function.setdefault(function, []).append(q)
        whole = self.run(s.outs)
        tanh = f"np.tanh({whole}, out={whole})"
        says = "; ".join(f"{', '.join(map(str, own))} by {f}" for f, own in by_function.items())
        if "sigmoid" not in by_function:
            return [*broken(f"# {says}", self.indent), tanh]
        part = self.run(tuple(by_function["sigmoid"]))
        self.scratch.setdefault("half", "half = np.array(0.5, dtype)")
        half = f"np.multiply({part}, half, out={part})"
        return [
            *broken(f"# {says}, where sigmoid(a) = ½ + ½ tanh(½ a)", self.indent),
            half,
            tanh,
            half,
            f"np.add({part}, half, out={part})",
        ]

    def side_by_side(self, fixed: tuple[Quantity, ...]) -> str:
        """Parameters, or constants, as one vector."""
        if len(fixed) == 1:
            return self.place(fixed[0])
        return f"np.concatenate([{', '.join(map(self.place, fixed))}])"

    def put(self, out: str, value: str, adds: bool) -> list[str]:
        """Lines that leave a value in an array, or add it to what is there."""
        return [f"np.add({out}, {value}, out={out})" if adds else f"np.copyto({out}, {value})"]
