"""A loop as lines of a functional language: an equation a line, arrays made anew, nothing written
into."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from derive.backends.functional.printer import FunctionalPrinter, letters
from derive.backends.functional.reading import Reading
from derive.cell import Equation
from derive.nodes import Axis, Quantity, Size, axes_of, symbols_of
from derive.program.loop import Loop
from derive.program.naming import Names
from derive.program.program import Program


@dataclass(frozen=True)
class Line:
    """An equation: what it defines, and how that is computed.

    name    what it defines
    text    its right-hand side; of a gradient, summed over all steps and sequences
    shape   its lengths, where the right-hand side has to be stretched to them
    is_own  whether the array must be one of its own, since it is given out
    summed  over what it has still to be summed
    """

    name: str
    text: str
    shape: str = ""
    is_own: bool = False
    summed: str = ""


class Routine(Reading):
    """A loop under its names, as a library's printer writes it."""

    ALL, WITHIN = "T, B", "B"  # the lengths before a quantity's own

    def __init__(
        self,
        program: Program,
        loop: Loop,
        names: Names,
        later: Collection[Quantity],
        printer: type[FunctionalPrinter],
    ):
        super().__init__(program, loop, later)
        self.names, self.printer = names, printer
        self.letters = letters(program.cell.axes)
        self.sizes: dict[Axis, None] = {}
        self.write()

    def write(self) -> None:
        """Write the lines of each phase."""
        names, loop = self.names, self.loop
        self.before = [self._line(e, names.all) for e in loop.before]
        self.during = [self._line(e, names.one, self.WITHIN) for e in loop.during]
        self.after = [self._line(e, names.all) for e in loop.after]

    def named(self, q: Quantity, place: Callable[[Quantity], str]) -> str:
        """What a quantity is called in a line; what is fixed has one name."""
        return self.names.one(q) if q in self.fixed else place(q)

    def _line(self, e: Equation, place, leading: str = ALL) -> Line:
        def named(q: Quantity) -> str:
            return self.named(q, place)

        printer = self.printer(
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

    def _total(self, e: Equation, printer: FunctionalPrinter) -> Line:
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

    @property
    def arrays_taken(self) -> list[tuple[str, str]]:
        """What a step finds of what is known for all of them: one of it, and all."""
        return [(self.names.one(q), self.names.all(q)) for q in self.taken]

    @property
    def arrays_kept(self) -> list[tuple[str, str, str]]:
        """What is kept of every step, beside the states: one, all, and the lengths of one."""
        lengths = [self.lengths(q, self.WITHIN) for q in self.kept]
        called = [(self.names.one(q), self.names.all(q)) for q in self.kept]
        return [(*names, shape) for names, shape in zip(called, lengths, strict=True)]

    def use(self, axes: Iterable[Axis]) -> None:
        """Note that the lengths of axes are read."""
        self.sizes |= dict.fromkeys(axes)
