"""Expressions as nodes of a graph, for targets whose programs are graphs of operators.

The structure is that of all printers, with values in the place of texts. A target says what its
operators are called, and how a value is seen along other axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

import sympy as sp

from derive.backends.functional.graph import Graph, Value
from derive.backends.functional.printer import FunctionalPrinter, letters
from derive.cell import Equation
from derive.evaluation.arrays import evaluate
from derive.nodes import Axes, Axis, MatVec, Outer, Quantity, Transposed, axes_of
from derive.printing import PRODUCT, Infix, fraction


class NodePrinter(Infix):
    """Writes expressions into a graph; each method gives the value that stands for its expression.

    operators  what operators and functions are called; a function that is none of them is called
               as it is, with `own` before it
    own        what stands before the functions that a program brings along

    place  the value of a quantity
    sizes  the length of each axis
    lead   a value whose first lengths are how many steps and sequences there are, and how many
           lengths these are: 2, or 1 within a step
    """

    operators: ClassVar[Mapping[str, str]]
    own: ClassVar[str]

    def __init__(
        self,
        rank: Mapping[str, int],
        graph: Graph,
        place: Callable[[Quantity], Value],
        sizes: Mapping[Axis, int],
        lead: tuple[Value, int],
    ):
        super().__init__(rank)
        self.graph, self.place, self.sizes, self.lead = graph, place, sizes, lead
        self.products = FunctionalPrinter({}, str, str, frozenset(), letters(sizes))
        self.defined = ""  # what is being written

    # what a target says

    def filled(self, value: Value, like: Value) -> Value:
        """A value, the same along every axis of another that it has not."""
        raise NotImplementedError

    def between(self, value: Value, axes: Axes, places: list[int]) -> Value:
        """A value with axes of length 1 at these places, counted from the last of `axes`."""
        raise NotImplementedError

    def transpose(self, matrix: Value) -> Value:
        """The transpose of a matrix that is the same at every step."""
        raise NotImplementedError

    def einsum(self, words: str, axes: Axes, *operands: Value, parts: Iterable[sp.Expr]) -> Value:
        """A sum over what operands have in common, of which these axes are left."""
        raise NotImplementedError

    def reduced(self, word: str, whole: Value, along: Axes) -> Value:
        """The "sum" or the "largest" along axes."""
        raise NotImplementedError

    # equations

    def define(self, equation: Equation) -> None:
        """Write an equation, under its own name."""
        made = self.place(equation.lhs)
        printer = self.written_as(equation)
        printer.defined = equation.lhs.name
        value = printer(equation.rhs)
        if (value.axes, value.is_fixed) != (made.axes, made.is_fixed):
            value = printer.filled(value, made)
        self.call(value, made.name)

    def call(self, value: Value, name: str) -> None:
        """Give a value the name of a quantity."""
        self.graph.call(value, name, self.operators["copy"])

    def node(
        self, op: str, axes: Axes, *inputs: Value, parts: Iterable[sp.Expr] = (), **attributes: str
    ) -> Value:
        """An operator on values, and the axes that its own value has. It is called after the
        `parts` of a product that have names, else after what is being written."""
        op = self.operators.get(op, op)
        called = "_".join(q.name for q in parts if isinstance(q, Quantity))
        wanted = called or f"{self.defined}_{op.removeprefix(self.own).lower()}"
        name = self.graph.add(op, inputs, wanted, **attributes)
        return Value(name, axes, all(value.is_fixed for value in inputs))

    def seen(self, value: Value, axes: Axes) -> Value:
        """A value so that it fits one of these axes, whatever stands before its own."""
        missing = [k - len(axes) for k, axis in enumerate(axes) if axis not in value.axes]
        if value.is_fixed:  # nothing does
            missing = [k for k in missing if {*axes[:k]} & {*value.axes}]
        elif not value.axes:
            missing = missing[1:]
        return self.between(value, axes, missing) if missing else value

    def held(self, ended: Value, old: Value, new: Value) -> Value:
        """What is new, or what is old where a sequence has ended."""
        inputs = self.seen(ended, new.axes), old, new
        name = self.graph.add(self.operators["choose"], inputs, f"{new.name}_held")
        return Value(name, new.axes, is_fixed=False)

    # structure

    def __call__(self, expr):
        if not expr.has(Quantity):
            return self.graph.number(float(evaluate(expr, {}, self.sizes).item()))
        return self.dispatch(expr)[0]

    def value(self, expr: sp.Expr, axes: Axes) -> Value:
        """The value of a part, beside others that have these axes together."""
        return self.seen(self(expr), axes)

    def symbol(self, symbol):
        return self.place(symbol)

    def sum(self, expr):
        axes = axes_of(expr)
        (_, first), *others = self.terms(expr)
        total = self.value(first, axes)
        for is_less, term in others:
            total = self.node("subtract" if is_less else "add", axes, total, self.value(term, axes))
        return total

    def product(self, expr):
        axes = axes_of(expr)
        if expr.as_coeff_Mul()[0].is_negative:
            return self.node("negative", axes, self(-expr)), PRODUCT
        over, under = map(self.sort, fraction(expr))
        first, *others = over or [sp.S.One]
        total = self.value(first, axes)
        for factor in others:
            pair = (first, factor) if factor is others[0] else ()
            total = self.node("multiply", axes, total, self.value(factor, axes), parts=pair)
        for factor in under:
            total = self.node("divide", axes, total, self.value(factor, axes))
        return total, PRODUCT

    def power(self, expr):
        base, exponent = expr.args
        axes = axes_of(expr)
        if exponent.is_number and exponent.is_negative:
            found = self.node("divide", axes, self.graph.number(1), self(base**-exponent))
        elif exponent == sp.S.Half:
            found = self.node("sqrt", axes, self(base))
        elif exponent == 2:
            found = self.node("multiply", axes, self(base), self(base))
        else:
            found = self.node("power", axes, self.value(base, axes), self.value(exponent, axes))
        return found, PRODUCT

    def function(self, expr):
        name, axes = expr.func.__name__, axes_of(expr)
        inputs = [self.value(part, axes) for part in expr.args]
        if name == "choose":
            inputs[0] = self.node("greater", axes, inputs[0], self.graph.number(0))
        return self.node(self.operators.get(name, f"{self.own}{name}"), axes, *inputs)

    # products and sums

    def matvec(self, matrix, vector):
        node, pair = MatVec(matrix, vector), (_base(matrix), vector)
        found = self.place(pair[0])
        if not found.is_fixed or len(found.axes) > 2:
            return self.contraction(node)
        if not isinstance(matrix, Transposed):
            found = self.transpose(found)
        return self.node("matmul", node.axes(), self.place(vector), found, parts=pair)

    def outer(self, left, right):
        node = Outer(left, right)
        axes = node.axes()
        if left.axes[-1] == right.axes[-1]:
            return self.contraction(node)
        values = self.value(left, axes), self.value(right, axes)
        return self.node("multiply", axes, *values, parts=(left, right))

    def contraction(self, node: MatVec | Outer) -> Value:
        """A product in which steps, sequences or heads have matrices of their own."""
        *each, result = self.products.subscripts(node, ())
        parts = [_base(q) for q in node.args]
        operands = list(map(self.place, parts))
        read = [("" if q.is_fixed else "...") + s for q, s in zip(operands, each, strict=True)]
        lead = "" if all(q.is_fixed for q in operands) else "..."
        words = f"{','.join(read)}->{lead}{result}"
        return self.einsum(words, node.axes(), *operands, parts=parts)

    def feature_sum(self, whole, *sizes):
        axes = axes_of(whole)
        along = tuple(size.axis for size in sizes) or axes[-1:]
        return self.reduced("sum", self.value(whole, axes), along)

    def largest(self, vector):
        return self.reduced("largest", self(vector), axes_of(vector)[-1:])


def _base(matrix: sp.Expr) -> Quantity:
    """A matrix, or the one that it is the transpose of."""
    return matrix.args[0] if isinstance(matrix, Transposed) else matrix
