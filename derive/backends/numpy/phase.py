"""The phases of a routine: before, in and after the loop.

What a statement reads and writes gets its name as NumPy writes it, and elementwise statements
become calls (`lowering`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import sympy as sp

from derive.backends.numpy.printer import (
    NumPyPrinter,
    called,
    part,
    part_of_step,
    step_of,
    stretched,
    trajectory,
)
from derive.backends.printer import places_text
from derive.nodes import (
    Axes,
    FeatureSum,
    H,
    Outer,
    Quantity,
    Size,
    Transposed,
    axes_of,
    has_shape,
    sides,
    symbols_of,
)
from derive.program.buffers import Role, Span
from derive.program.lowering import Call, Lowering
from derive.program.statements import (
    TOTALS,
    Activate,
    Bias,
    Compute,
    Contraction,
    Group,
    HeadTotal,
    Pointwise,
    Product,
    PullBack,
    Reduce,
    Statement,
    Sum,
    Total,
)
from derive.program.sums import factors, nested
from derive.program.views import numbers, of_function, seen_by

if TYPE_CHECKING:
    from derive.backends.numpy.routine import Routine


@dataclass(frozen=True)
class Scratch:
    """An array that one or two lines use, with a row for each sequence."""

    name: str
    width: str
    parts: Group


class Phase:
    """The statements before or after the loop, about all steps at once."""

    span = Span.STEPS

    def __init__(self, routine: Routine, statements: tuple[Statement, ...]):
        self.routine = routine
        self.inside = dict(nested(statements, self.may_nest))
        self.statements = tuple(self.inside)
        self.scratch: dict[str, Scratch] = {}
        self.calls: dict[Statement, list[Call]] = {}
        self.summed: dict[Statement, list[str]] = {}
        self.products: dict[Statement, str] = {}
        self.factors_of: dict[Statement, str] = {}
        for s in self.statements:
            self.prepare(s)

    def may_nest(self, q: Quantity) -> bool:
        """Whether a sum may be written within the one expression that reads it: where whole
        expressions are written."""
        routine = self.routine
        if q in routine.fixed or q in routine.loop.ends or routine.loop.readers[q] > 1:
            return False
        return routine.memory.region((q,)).buffer in routine.views.made

    def prepare(self, s: Statement) -> None:
        """Name what a statement uses besides its arrays, and lower it where it is to be."""
        routine = self.routine
        within = self.inside[s]
        named = {inner.outs for inner in within}
        for group in (*(g for inner in within for g in inner.groups), *seen_by(s)):
            if group not in named:
                self.array(group)
        if isinstance(s, TOTALS):
            routine.weight(s.outs)
        if isinstance(s, Product | PullBack):
            routine.weight(s.matrices)
        for vectors in s.vectors if isinstance(s, Bias) else ():
            self.array(vectors)
        for expr in (expr for inner in (s, *within) for expr in numbers(inner)):
            sizes = sorted(expr.atoms(Size), key=str)
            routine.sizes |= dict.fromkeys(size.axis for size in sizes)
        if isinstance(s, Compute) and s.outs[0] in routine.constants:
            self.width(s)
        elif isinstance(s, Compute) and routine.is_in_place and s.expr != 0:
            self.lower(s)
        elif isinstance(s, Sum) and routine.is_in_place:
            self.prepare_sum(s)

    def prepare_sum(self, s: Sum) -> None:
        """Name what is summed up, or the two vectors whose product is."""
        at = self.of(s)
        infix = self.printer(s, at)
        parts = infix.sort(factors(s.expr)) or [s.expr]
        lowering = self.lowering(at, lambda axes: len(s.terms) if axes else 1)
        self.calls[s], self.summed[s] = lowering.values(s.outs[0], parts, infix)

    def lower(self, s: Compute) -> None:
        """Turn a statement into calls."""
        at = self.of(s)
        lowering = self.lowering(at, lambda _: len(s.outs))
        lower = lowering.add if s.adds else lowering.assign
        self.calls[s] = lower(s.outs[0], s.expr, self.printer(s, at))

    def lowering(self, at: Callable[[Quantity], str], count: Callable[[Axes], int]) -> Lowering:
        """What turns expressions into calls, with scratch arrays for so many quantities."""
        return Lowering(at, self.place, lambda axes, n: self.work(axes, n, count(axes)), stretched)

    def of(self, s: Pointwise) -> Callable[[Quantity], str]:
        """The arrays that a statement reads and writes, by the first of what lies side by side."""
        within = {group[0]: group for inner in self.inside[s] for group in inner.groups}
        return lambda q: self.array(within.get(q) or s.group_of(q))

    def place(self, q: Quantity) -> object:
        """What tells whether two quantities lie in the same memory."""
        return q if q in self.routine.fixed else self.routine.memory.region((q,))

    # arrays

    def array(self, group: Group) -> str:
        """The array that holds a quantity, or several side by side."""
        routine, names = self.routine, self.routine.names
        if group[0] in routine.fixed and group[0] not in routine.constants:
            return routine.weight(group)
        region = routine.memory.region(group)
        whole, buffer = names.buffer(region.buffer), region.buffer
        if buffer.span is Span.ONCE:
            return whole if region.is_whole else part(whole, routine.slice(region), is_vector=True)
        if buffer.role in (Role.ARGUMENT, Role.RESULT):
            return whole
        if buffer.span is Span.TRAJECTORY:
            return trajectory(whole, region.shift)
        if region.count == 1:
            return names.all(group[0])
        return whole if region.is_whole else part(whole, routine.slice(region))

    def arrays(self, groups: Iterable[Group]) -> list[str]:
        """The arrays of several groups."""
        return list(map(self.array, groups))

    def is_indexed(self, group: Group) -> bool:
        """Whether an array is written as a part of another, and not by a name of its own."""
        region = self.routine.memory.region(group)
        return region.buffer.span is Span.TRAJECTORY or 1 < region.count < len(region.buffer.parts)

    def called(self, function: str) -> str:
        """What a function of a call is called."""
        return called(function)

    def work(self, axes: Axes, number: int, count: int = 1) -> str:
        """A scratch array of the shape of a quantity, or of several side by side."""
        parts = (Quantity("work", axes),) * count
        size = self.routine.extent(parts).replace(", ", "_").replace(" ", "").replace("*", "")
        size = "" if (axes, count) == ((H,), 1) else size
        name = f"work{'_' * bool(size)}{size}{number if number > 1 else ''}"
        return self.borrow(name if self.span is Span.STEP else f"{name}_s", parts)

    def borrow(self, name: str, parts: Group) -> str:
        """A scratch array of this name."""
        name = self.routine.names.scratch((name, self.span), name)
        self.scratch[name] = Scratch(name, self.routine.extent(parts), parts)
        return name

    # statements

    def makes(self, s: Compute) -> bool:
        """Whether a statement makes the array that it defines."""
        return self.routine.memory.region(s.outs).buffer in self.routine.views.made

    def is_copy(self, s: Pointwise) -> bool:
        """Whether a statement's value is an array that has a name already."""
        return isinstance(s, Compute) and s.expr.is_Symbol and not self.inside[s]

    def width(self, s: Compute) -> str:
        """The lengths of what a statement defines."""
        lengths = self.routine.extent(s.outs)
        return f"({lengths})" if ", " in lengths else lengths

    def is_number(self, expr: sp.Expr) -> bool:
        """Whether an expression is one number."""
        return not axes_of(expr)

    def of_function(self, s: Activate, function: str) -> Group:
        """The quantities that a function of an activation gives."""
        return of_function(s, function)

    @property
    def halves(self) -> bool:
        """Whether a line takes the half of something, as that for sigmoids does."""
        return any(isinstance(s, Activate) and "sigmoid" in s.functions for s in self.statements)

    def printer(self, s: Pointwise, place: Callable[[Quantity], str]) -> NumPyPrinter:
        """A printer of a statement's expression, in the order in which it was written."""
        routine = self.routine
        axes = s.outs[0].axes  # an added row and an added column have no shape but that of a sum
        if has_shape(s.expr):
            axes = max((axes, axes_of(s.expr)), key=len)
        printer = NumPyPrinter(routine.program.rank, place, routine.names.size, axes)
        equation = next((e for e in routine.loop.equations if e.lhs == s.outs[0]), None)
        return printer.written_as(equation) if equation else printer

    def rows(self, group: Group) -> str:
        """The array that holds quantities, its own axes as one: a row for each sequence, or for
        each step of each."""
        array, is_wide = self.array(group), len(group[0].axes) > 1
        if self.span is Span.STEP or group[0] in self.routine.fixed:
            return f"_flat({array})" if is_wide else array
        return f"_rows({array})"

    def merged(self, matrices: Group) -> str:
        """A stack of matrices, or those of all heads, one above the other."""
        name = self.routine.weight(matrices)
        return f"_merged({name})" if len(matrices[0].axes) > 2 else name

    def contraction(self, s: Contraction) -> tuple[str, str, bool]:
        """The matrices and the vectors of a product, one for each sequence, and whether the
        matrices are transposed."""
        (matrix,), (vector,) = s.groups
        among = s.product.among()
        array = stretched(self.array((vector,)), vector.axes, among + s.product.length())
        whole = stretched(self.array((matrix,)), matrix.axes, among + sides(matrix.axes))
        return whole, array, isinstance(s.product.args[0], Transposed)

    def is_shared(self, s: Contraction) -> bool:
        """Whether the matrix of a product is the same for all steps, sequences and heads."""
        (matrix,) = s.groups[0]
        return matrix in self.routine.fixed and len(matrix.axes) == 2

    def shared(self, s: Contraction) -> tuple[str, str, bool]:
        """Such a matrix, its vectors, and whether it is transposed."""
        matrix, vector = map(self.array, s.groups)
        return matrix, vector, isinstance(s.product.args[0], Transposed)

    def by_heads(self, s: HeadTotal) -> list[str]:
        """The two vectors that a gradient is the outer product of, for each head a matrix with a
        row for each step of each sequence."""
        among = s.product.among()
        arrays = (
            stretched(self.array((q,)), q.axes, among + q.axes[-1:]) for q in (s.left, s.right)
        )
        return [f"_by_heads({array})" for array in arrays]

    def over(self, s: Reduce) -> str:
        """The axes of an array that a sum runs over, counted from its last."""
        return places_text(s.vectors[0].axes, s.over)

    def factors(self, s: Total) -> list[str]:
        """The arrays of all steps whose product is summed up; none where it is no such product."""
        if s.adds or len(self.same.get(s, ())) != 1:
            return []
        at, two = self.of(s), factors(s.expr)
        each = all(isinstance(q, Quantity) and q not in self.routine.fixed for q in two)
        is_own = len(axes := s.outs[0].axes) == 1 and axes_of(s.expr) == axes
        return [at(q) for q in self.printer(s, at).sort(two)] if each and is_own else []

    @cached_property
    def same(self) -> dict[Total, list[Total]]:
        """The totals, each with those behind it that are the same sum, when nothing else comes
        between."""
        found: dict[Total, list[Total]] = {}
        for is_total, run in groupby(self.statements, lambda s: isinstance(s, TOTALS)):
            first: dict[object, Total] = {}
            for s in run if is_total else ():
                if isinstance(s, Total) and not s.adds:
                    key = self.text(s), s.outs[0].axes, axes_of(s.expr)
                    found.setdefault(first.setdefault(key, s), []).append(s)
        return found

    def gathered(self, s: Total) -> tuple[str, str]:
        """A sum over all steps and sequences as two: that of outer products, which is a product of
        matrices, and the rest. Either may be empty."""
        nodes, products, rest = self.parted(s)
        printer = self.printer(s, self.of(s))
        first = printer.gathering(nodes, self.routine.fixed)(products) if nodes else ""
        return first, printer(rest) if rest != 0 else ""

    def parted(self, s: Total) -> tuple[list[Outer], sp.Expr, sp.Expr]:
        """Of what is summed up: outer products of vectors, the terms that are one of these times
        what is the same everywhere, and the other terms."""
        expanded = sp.expand_mul(s.expr, deep=False) if s.expr.has(Outer) else s.expr
        nodes = {term: self.outer_in(term) for term in sp.Add.make_args(expanded)}
        products = {term: node for term, node in nodes.items() if node}
        if not products:
            return [], sp.S.Zero, s.expr
        others = (term for term in nodes if term not in products)
        return [*products.values()], sp.Add(*products), sp.Add(*others)

    def outer_in(self, term: sp.Expr) -> Outer | None:
        """The outer product of two vectors that a term is, times what is the same everywhere."""
        nodes = term.atoms(Outer)
        if len(nodes) != 1 or len((node := nodes.pop()).axes()) > 2:
            return None
        others = symbols_of(term.xreplace({node: sp.S.One}))
        return node if others <= self.routine.fixed else None

    def text(self, s: Pointwise) -> str:
        """The expression of a statement, on arrays."""
        sums = {inner.outs[0]: summed(inner) for inner in self.inside[s]}
        expr = summed(s) if isinstance(s, Sum) else s.expr.xreplace(sums)
        return self.printer(s, self.of(s))(expr)

    def says(self, s: Compute) -> tuple[str, str]:
        """What a statement defines, and its expression, in the quantities' names."""
        printer = self.printer(s, lambda q: self.routine.called(s.group_of(q)))
        return self.routine.called(s.outs), printer(s.expr)


class OneStep(Phase):
    """The loop: every line is about one step."""

    span = Span.STEP

    def prepare(self, s: Statement) -> None:
        super().prepare(s)
        if isinstance(s, Product | PullBack):
            self.prepare_product(s)

    def prepare_product(self, s: Product | PullBack) -> None:
        """Name what a product needs: its matrix as one that rows are multiplied with, and an array
        of its own where it cannot go straight to its place, which has to be an array by itself.

        BLAS is up to twice as fast where that matrix lies in memory as it is multiplied with.
        """
        routine, (operands,) = self.routine, s.groups
        is_wide = any(len(q.axes) > 1 for q in (*s.outs, *operands))
        if not routine.is_in_place or operands[0] in routine.fixed or is_wide:
            return
        rows, weight = self.array(operands), routine.weight(s.matrices)
        if isinstance(s, Product):
            name = routine.names.scratch(("transposed", weight), f"{weight}_T")
            routine.transposed[name] = self.merged(s.matrices)
            self.factors_of[s] = name
        else:
            self.factors_of[s] = self.merged(s.matrices)
        region = routine.memory.region(s.outs)
        if s.adds or not region.is_whole:
            short = len(weight + rows) < 30
            both = f"{weight}_{rows}" if isinstance(s, Product) else f"{rows}_{weight}"
            self.products[s] = self.borrow(both if short else f"{self.array(s.outs)}_part", s.outs)

    def array(self, group: Group) -> str:
        """One step: a name, or step t of an array of all steps."""
        routine, t = self.routine, self.routine.t
        if group[0] in routine.fixed:
            return super().array(group)
        region = routine.memory.region(group)
        if routine.is_in_place or region.buffer.span is Span.STEP:
            single = region.count == 1
            return routine.names.one(group[0]) if single else routine.together(group, region)
        if region.buffer.span is Span.TRAJECTORY:
            return step_of(routine.names.buffer(region.buffer), t, region.shift)
        if region.is_whole or region.count == 1:
            return step_of(super().array(group), t)
        return part_of_step(routine.names.buffer(region.buffer), t, routine.slice(region))

    def is_indexed(self, group: Group) -> bool:
        named = self.routine.is_in_place
        return not named and self.routine.memory.region(group).buffer.span is not Span.STEP


def summed(s: Sum | Reduce) -> sp.Expr:
    """The sum that a statement takes, as an expression of the first of what lies side by side."""
    return FeatureSum(s.expr if isinstance(s, Sum) else s.vectors[0])
