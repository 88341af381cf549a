"""A loop as functional PyTorch: an equation a line, tensors made anew, nothing written into."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from derive.backends.torch.printer import TorchPrinter, letters
from derive.cell import Equation
from derive.nodes import Axis, Quantity, Size, axes_of, symbols_of
from derive.program.loop import Carry, Loop
from derive.program.naming import Names
from derive.program.program import Program


@dataclass(frozen=True)
class Line:
    """An equation: what it defines, and how that is computed.

    name    what it defines
    text    its right-hand side; of a gradient, summed over all steps and sequences
    shape   its lengths, where the right-hand side has to be stretched to them
    is_own  whether the tensor must be one of its own, since it is given out
    summed  over what it has still to be summed
    """

    name: str
    text: str
    shape: str = ""
    is_own: bool = False
    summed: str = ""


class Routine:
    """A loop under its names.

    later   what others read of it, beside what it is there for
    """

    def __init__(self, program: Program, loop: Loop, names: Names, later: Collection[Quantity]):
        self.program, self.loop, self.names = program, loop, names
        self.fixed = self._fixed()
        self.letters = letters(program.cell.axes)
        self.sizes: dict[Axis, None] = {}
        after = frozenset().union(*(symbols_of(e.rhs) for e in loop.after))
        self.later = frozenset(later)
        self.late = after | self.later
        self.before = [self._line(e, names.all) for e in loop.before]
        self.during = [self._line(e, names.one, self.WITHIN) for e in loop.during]
        self.after = [self._line(e, names.all) for e in loop.after]
        self.use(axis for q in self.kept for axis in q.axes)

    ALL, WITHIN = "T, B", "B"  # the lengths before a quantity's own

    # what is known when

    def _fixed(self) -> frozenset[Quantity]:
        """What is the same at every step, and for every sequence."""
        fixed = set(self.loop.fixed) | set(self.program.parameters.of)
        for e in (*self.loop.before, *self.loop.after):
            if e.lhs in self.loop.totals or (symbols_of(e.rhs) <= fixed and not self._is_end(e)):
                fixed.add(e.lhs)
        return frozenset(fixed)

    def _is_end(self, equation: Equation) -> bool:
        return equation.lhs in self.loop.ends

    @property
    def _made(self) -> list[Quantity]:
        return [e.lhs for e in self.loop.during]

    @property
    def trajectories(self) -> tuple[Carry, ...]:
        """What is handed on from step to step, and kept before the first step and after each."""
        carries = () if self.loop.reverse else self.loop.carries
        return tuple(c for c in carries if {c.entering, c.leaving} & self.late)

    @property
    def whole(self) -> frozenset[Quantity]:
        """What is read of all steps at once, and what of them step by step."""
        apart = (symbols_of(e.rhs) for e in (*self.loop.before, *self.loop.after))
        return self.later.union(self.taken, *apart)

    @property
    def after_it(self) -> frozenset[Quantity]:
        """What is read of all steps when the loop is over, of forward's."""
        own = {self.program.cell.output}
        return frozenset(own.union(*(symbols_of(e.rhs) for e in self.loop.after)))

    @property
    def kept(self) -> list[Quantity]:
        """What else is kept of every step."""
        there = {c.leaving for c in self.trajectories}
        return [q for q in self._made if q in self.late and q not in there]

    @property
    def taken(self) -> list[Quantity]:
        """What a step finds of what is known for all of them."""
        entering = {c.entering for c in self.loop.carries}
        read = [q for e in self.loop.during for q in sorted(symbols_of(e.rhs), key=str)]
        read += [c.leaving for c in self.loop.carries]
        own = {*self._made, *entering, *self.fixed}
        return [q for q in dict.fromkeys(read) if q not in own]

    # lines

    def _line(self, e: Equation, place, leading: str = ALL) -> Line:
        def named(q: Quantity) -> str:
            return self.names.one(q) if q in self.fixed else place(q)

        printer = TorchPrinter(
            self.program.rank, named, self.names.size, self.fixed, self.letters
        ).written_as(e)
        self.use(size.axis for size in e.rhs.atoms(Size))
        if e.lhs in self.loop.totals:
            return self._total(e, printer)
        axes = max((e.lhs.axes, axes_of(e.rhs)), key=len)
        is_fixed = symbols_of(e.rhs) <= self.fixed
        has_shape = axes_of(e.rhs) == e.lhs.axes and (not is_fixed or e.lhs in self.fixed)
        lengths = "" if has_shape else self.lengths(e.lhs, "" if e.lhs in self.fixed else leading)
        is_own = isinstance(e.rhs, Quantity) and e.lhs in self.later
        return Line(named(e.lhs), printer.seen(axes)(e.rhs), lengths, is_own)

    def _total(self, e: Equation, printer: TorchPrinter) -> Line:
        name, axes = self.names.one(e.lhs), e.lhs.axes
        if not symbols_of(e.rhs):
            return Line(name, printer(e.rhs), self.lengths(e.lhs, ""))
        if axes_of(e.rhs) == axes:
            return Line(name, printer.total(e.rhs, axes))
        lengths = self.lengths(e.lhs, self.ALL)
        return Line(name, printer.seen(axes)(e.rhs), lengths, summed="(0, 1)")

    def lengths(self, q: Quantity, leading: str) -> str:
        """The lengths of a quantity, after these of steps and sequences."""
        self.use(q.axes)
        own = list(map(self.names.size, q.axes)) or ["1"] * bool(leading)
        return ", ".join([*filter(None, [leading]), *own])

    def use(self, axes: Iterable[Axis]) -> None:
        """Note that the lengths of axes are read."""
        self.sizes |= dict.fromkeys(axes)
