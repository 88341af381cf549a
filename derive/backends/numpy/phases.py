"""The statements of a routine as lines of NumPy: for all steps at once, or for one step."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatchmethod

from derive.backends.numpy.memory import Memory
from derive.backends.numpy.text import broken, length, shape_of
from derive.backends.numpy.writers import Writer
from derive.nodes import Axes, Quantity
from derive.normal import fresh
from derive.program.statements import (
    Activate,
    AddStack,
    Compute,
    OuterTotal,
    Product,
    PullBack,
    Statement,
    Total,
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
