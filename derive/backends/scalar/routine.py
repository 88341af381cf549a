"""A routine as the templates see it: its statements under its names.

All statements of a phase stand in one loop over rows (`places`), and everything elementwise that is
read in its own nest only is a number there, local to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from derive.backends.printer import PlacedPrinter
from derive.backends.scalar.entries import added
from derive.backends.scalar.places import NESTS, Places
from derive.backends.weight import Weight
from derive.cell import Equation
from derive.nodes import (
    Axes,
    Axis,
    Outer,
    Quantity,
    Size,
    Transposed,
    is_square,
    own,
    symbols_of,
)
from derive.program.buffers import Buffer, Region
from derive.program.interface import Call
from derive.program.loop import Loop
from derive.program.naming import Names
from derive.program.program import Program
from derive.program.statements import (
    Contraction,
    Fused,
    Group,
    HeadTotal,
    Pointwise,
    Product,
    PullBack,
    Statement,
)
from derive.program.views import numbers


@dataclass(frozen=True)
class Nest:
    """A loop over the entries of vectors, or what is done once for numbers.

    loops    the variables of its loops, the outermost first, and how far they run
    reads    what it reads from arrays, parameters and what is made of these apart
    sides    what it reads from arrays at two places, each where it is read
    lines    what it computes: quantities, and formulas on what it knows by name
    writes   those of them that others read
    """

    loops: dict[str, str]
    reads: tuple[Quantity, ...]
    sides: tuple[Quantity, ...]
    lines: tuple[tuple[Quantity, str], ...]
    writes: tuple[Quantity, ...]


@dataclass(frozen=True)
class Contracted:
    """The product of a matrix with a vector, each sequence's own or each head's: loops over the
    entries of what it gives, in each of them a sum over `inner`, a variable and how far it runs."""

    loops: dict[str, str]
    inner: tuple[str, str]
    out: str
    matrix: str
    vector: str
    is_transposed: bool


@dataclass(frozen=True)
class OfHeads:
    """An outer product for each head: loops over the entries of what it gives, in each of them a
    product."""

    loops: dict[str, str]
    out: str
    left: str
    right: str


class Routine(Places):
    """A routine under its names: its statements, and what it needs. `printer` is the class that
    prints the target's formulas."""

    def __init__(
        self,
        program: Program,
        call: Call,
        names: Names,
        printer: type[PlacedPrinter],
        handed: Mapping[Quantity, Region] = MappingProxyType({}),
    ):
        super().__init__(program, call, names, handed)
        self.printer = printer

    @property
    def loop(self) -> Loop:
        """The loop that it runs."""
        return self.call.routine.loop

    @cached_property
    def equations(self) -> dict[Quantity, Equation]:
        """Its equations, by what they define."""
        return {e.lhs: e for e in self.loop.equations}

    # statements

    @property
    def once(self) -> list[Statement]:
        """What is computed once, from parameters alone."""
        return [s for s in self.call.routine.before if self.constants.issuperset(s.outs)]

    @property
    def before(self) -> list[Statement]:
        """What is computed for every row before the loop over steps."""
        return [s for s in self.call.routine.before if not self.constants.issuperset(s.outs)]

    @property
    def during(self) -> tuple[Statement, ...]:
        """One step of one sequence."""
        return self.call.routine.during

    @property
    def after(self) -> tuple[Statement, ...]:
        """What is computed for every row after the loop over steps."""
        return self.call.routine.after

    @property
    def spoilt(self) -> list[Group]:
        """What has to be zero past a sequence's end, and is not since something is computed in its
        place before the loop over steps."""
        early = {self.memory.region((q,)).buffer for s in self.before for q in s.outs}
        return [g for g in self.call.routine.ended.masked if self.memory.region(g).buffer in early]

    @cached_property
    def nests(self) -> dict[Fused, Nest]:
        """The nests as they are written."""
        return {s: self.nest(s) for s in self.call.routine.statements if isinstance(s, Fused)}

    def nest(self, s: Fused) -> Nest:
        """A nest, in which everything is a number under its own name."""
        own = {part.outs[0] for part in s.body}
        every = dict.fromkeys(q for part in s.body for group in part.groups for q in group)
        moving = [q for q in every if q not in own | self.fixed]
        sides = [q for q in moving if is_side(q, s.axes)]
        reads = [q for q in moving if q not in sides]
        there = {self.memory.region((q,)): self.names.one(q) for q in reads}
        last: dict[Region, Quantity] = {}
        lines = []
        for part in s.body:
            (q,) = part.outs
            text = self.text(part, s.axes, lambda q: self.inside(q, s.axes))
            if q not in s.local:
                region = self.memory.region(part.outs)
                if part.adds:
                    text = added(there.get(region) or self.entry_in(s.axes, part.outs), text)
                there[region], last[region] = self.names.one(q), q
            lines.append((q, text))
        return Nest(
            loops=self.loops(s.axes),
            reads=tuple(reads),
            sides=tuple(sides),
            lines=tuple(lines),
            writes=tuple(q for q in last.values() if self.is_read_outside(q, s, own)),
        )

    def is_read_outside(self, q: Quantity, s: Fused, own: set[Quantity]) -> bool:
        """Whether anything but the nest itself reads a quantity that it computes, or adds to it."""
        others = (e for e in self.loop.equations if e.lhs not in own)
        if q in self.loop.ends or any(q in symbols_of(e.rhs) for e in others):
            return True
        phase = next(p for p in (self.before, self.during, self.after) if s in p)
        return any(q in later.outs for later in phase[phase.index(s) + 1 :])

    def text(self, s: Pointwise, nest: Axes, named: Callable[[Quantity], str]) -> str:
        """The expression of a statement, in the order in which it was written."""
        nodes = s.expr.atoms(Outer) if is_square(nest) else ()
        products = {node: self.product_at(node, nest) for node in nodes}
        printer = self.printer(self.program.rank, named, self.names.size, products)
        equation = self.equations.get(s.outs[0])
        return (printer.written_as(equation) if equation else printer)(s.expr)

    def inside(self, q: Quantity, nest: Axes) -> str:
        """What a quantity is called within a nest: it is a number there."""
        return self.entry_in(nest, (q,)) if q in self.fixed else self.names.one(q)

    def outside(self, s: Pointwise) -> str:
        """The expression of a statement that is in no nest, on entries of arrays."""
        nest = s.outs[0].axes
        return self.text(s, nest, lambda q: self.entry_in(nest, s.group_of(q)))

    def product_at(self, node: Outer, nest: Axes) -> str:
        """An outer product whose sides have one axis between them: the left one's entry of the row,
        times the right one's of the column."""
        *heads, row, column = NESTS[len(nest)]
        there = dict(zip(nest, heads, strict=False))
        ends = zip(node.args, (row, column), strict=True)
        return " * ".join(self.entry_at(q, there, place) for q, place in ends)

    def written(self, s: Contraction) -> str:
        """The product of a statement, for a comment."""
        matrix, vector = s.product.args
        (whole,) = symbols_of(matrix)
        sign = "ᵀ" if isinstance(matrix, Transposed) else ""
        return f"{self.names.one(whole)}{sign} {self.names.one(vector)}"

    def contraction(self, s: Contraction) -> Contracted:
        """How a product is written whose matrix is each sequence's own, or each head's."""
        matrix, vector = s.product.args
        (whole,) = symbols_of(matrix)
        (out,) = s.outs
        names = NESTS[len(out.axes) + 1]
        to, inner = names[-2:]
        heads = dict(zip(out.axes[:-1], names, strict=False))
        is_transposed = isinstance(matrix, Transposed)
        return Contracted(
            loops=dict(zip(names[:-1], map(self.names.size, out.axes), strict=True)),
            inner=(inner, self.names.size(vector.axes[-1])),
            out=self.entry_at(out, heads, to),
            matrix=self.entry_at(whole, heads, *((inner, to) if is_transposed else (to, inner))),
            vector=self.entry_at(vector, heads, inner),
            is_transposed=is_transposed,
        )

    def head_total(self, s: HeadTotal) -> OfHeads:
        """How the gradient of a matrix for each head is written."""
        (out,) = s.outs
        head, line, col = NESTS[3]
        heads = {out.axes[0]: head}
        return OfHeads(
            loops=dict(zip((head, line, col), map(self.names.size, out.axes), strict=True)),
            out=self.entry_at(out, heads, line, col),
            left=self.entry_at(s.left, heads, line),
            right=self.entry_at(s.right, heads, col),
        )

    # what it needs

    @cached_property
    def seen(self) -> dict[Group, None]:
        """Whatever its lines name that lies in an array, in groups that they take as one."""
        return self.seen_by(self.call.routine.statements)

    def seen_by(self, statements: Iterable[Statement]) -> dict[Group, None]:
        """Whatever the lines of statements name that lies in an array."""
        groups: list[Group] = []
        for s in statements:
            if isinstance(s, Fused):
                nest = self.nests[s]
                groups += [(q,) for q in (*nest.reads, *nest.sides, *nest.writes)]
                groups += [g for part in s.body for g in part.groups if g[0] in self.fixed]
                groups += [part.outs for part in s.body if part.adds]
            else:
                groups += [*s.groups, s.outs]
            groups += [s.matrices] if isinstance(s, Product | PullBack) else []
        return dict.fromkeys(groups)

    @property
    def weights(self) -> list[Weight]:
        """The parameters, gradients and directions that it names."""
        return self.weights_in(self.seen)

    def weights_in(self, groups: Iterable[Group]) -> list[Weight]:
        """The parameters, gradients and directions among groups."""
        known = {self.weight(group) for group in groups if group[0] in self.program.parameters}
        return sorted(known, key=lambda w: (w.params, not w.is_stack, w.name))

    @cached_property
    def arrays(self) -> list[Buffer]:
        """The arrays that it makes: those in which a line reads or writes, or a carry lies."""
        used = self.buffers_of(self.seen)
        used |= self.buffers_of((c.entering,) for c in self.loop.carries)
        return [b for b in self.memory.own if b in used]

    def buffers_of(self, groups: Iterable[Group]) -> dict[Buffer, None]:
        """The arrays that groups lie in, parameters apart."""
        placed = (g for g in groups if g[0] not in self.program.parameters)
        return dict.fromkeys(self.memory.region(group).buffer for group in placed)

    @property
    def sizes(self) -> list[Axis]:
        """The axes whose lengths it names."""
        axes = {axis for buffer in self.arrays for axis in buffer.axes}
        axes |= self.axes_named(self.call.routine.statements)
        return [axis for axis in self.program.cell.axes if axis in axes]

    def axes_named(self, statements: Sequence[Statement]) -> set[Axis]:
        """The axes whose lengths the lines of statements name."""
        seen = self.seen_by(statements)
        axes = {axis for group in seen for q in group for axis in q.axes}
        axes |= {axis for buffer in self.buffers_of(seen) for axis in buffer.axes}
        for s in statements:
            axes |= set(s.axes) if isinstance(s, Fused) else set()
            for part in s.body if isinstance(s, Fused) else (s,):
                axes |= {size.axis for expr in numbers(part) for size in expr.atoms(Size)}
        return axes

    # what it gives

    @property
    def output(self) -> Quantity:
        """The quantity that is the output."""
        assert self.call.output is not None
        return self.call.output

    def final(self, q: Quantity) -> Region:
        """Where the last values of what is handed on are."""
        leaving = {c.leaving: c.entering for c in self.loop.carries}
        return self.memory.region((leaving.get(q, q),))


def is_side(q: Quantity, nest: Axes) -> bool:
    """Whether a quantity is a vector beside a matrix whose rows and columns have one axis: a side
    of an outer product, which may be read at two places."""
    return is_square(nest) and len(own(q.axes)) == 1
