"""Expressions as nodes of a graph, an operator each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import sympy as sp

from derive.backends.functional.printer import FunctionalPrinter, letters
from derive.backends.onnx.graph import Graph, Value
from derive.cell import Equation
from derive.evaluation.arrays import evaluate, extent
from derive.nodes import Axes, Axis, MatVec, Outer, Quantity, Transposed, axes_of
from derive.printing import PRODUCT, Infix, fraction

# What ONNX has. The others are functions of the model's own: templates/onnx/functions.onnx.j2.
OPERATORS = {
    "tanh": "Tanh", "sigmoid": "Sigmoid", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin",
    "cos": "Cos", "relu": "Relu", "absolute": "Abs", "sign": "Sign", "floor": "Floor",
    "maximum": "Max",
}  # fmt: skip
OWN = "cellwright."


class NodePrinter(Infix):
    """Writes expressions into a graph, and gives the value of each in the place of its text.

    place  the value of a quantity
    like   a value whose lengths say how many sequences there are, and before them
    count  how many lengths stand before a quantity's own: of steps and sequences, or of these
    sizes  the length of each axis
    """

    def __init__(
        self,
        rank: Mapping[str, int],
        graph: Graph,
        place: Callable[[Quantity], Value],
        like: Value,
        count: int,
        sizes: Mapping[Axis, int],
    ):
        super().__init__(rank)
        self.graph, self.place, self.sizes = graph, place, sizes
        self.like, self.count = like, count
        self.products = FunctionalPrinter({}, str, str, frozenset(), letters(sizes))
        self.defined = ""  # what is being written

    def define(self, equation: Equation) -> None:
        """Write an equation, under its own name."""
        made = self.place(equation.lhs)
        printer = self.written_as(equation)
        printer.defined = equation.lhs.name
        value = printer(equation.rhs)
        if (value.axes, value.is_fixed) != (made.axes, made.is_fixed):
            value = printer.filled(value, made)
        self.graph.call(value, made.name)

    def filled(self, value: Value, like: Value) -> Value:
        """A value that is the same along every axis of another that it has not."""
        own = self.graph.integers("lengths", *(extent(like.axes, self.sizes) or (1,)))
        if not like.is_fixed:
            before = self.node("Shape", (), self.like, start="0", end=str(self.count))
            own = self.node("Concat", (), before, own, axis="0")
        return self.node("Expand", like.axes, self.seen(value, like.axes), own)

    def node(
        self, op: str, axes: Axes, *inputs: Value, parts: Iterable[sp.Expr] = (), **attributes: str
    ) -> Value:
        """An operator on values, and the axes that its own value has. It is called after the
        `parts` of a product that have names, else after what is being written."""
        called = "_".join(q.name for q in parts if isinstance(q, Quantity))
        wanted = called or f"{self.defined}_{op.removeprefix(OWN).lower()}"
        name = self.graph.add(op, inputs, wanted, **attributes)
        return Value(name, axes, all(value.is_fixed for value in inputs))

    def seen(self, value: Value, axes: Axes) -> Value:
        """A value so that it fits one of these axes, whatever stands before its own."""
        missing = [k - len(axes) for k, axis in enumerate(axes) if axis not in value.axes]
        if value.is_fixed:  # nothing does
            missing = [k for k in missing if {*axes[:k]} & {*value.axes}]
        elif not value.axes:
            missing = missing[1:]
        if not missing:
            return value
        at = self.graph.integers("axes", *missing)
        name = self.graph.add("Unsqueeze", (value, at), f"{value.name}_unsqueezed")
        return Value(name, axes, value.is_fixed)

    # structure

    def __call__(self, expr):
        if not expr.has(Quantity):
            return self.graph.number(float(evaluate(expr, {}, self.sizes).item()))
        return self.dispatch(expr)[0]

    def symbol(self, symbol):
        return self.place(symbol)

    def sum(self, expr):
        axes, (lead, *others) = axes_of(expr), _added_first(self.gathered(sp.Add, expr.args))
        total = self.value(lead, axes)
        for term in others:
            is_less = term.could_extract_minus_sign()
            value = self.value(-term if is_less else term, axes)
            total = self.node("Sub" if is_less else "Add", axes, total, value)
        return total

    def product(self, expr):
        axes = axes_of(expr)
        if expr.as_coeff_Mul()[0].is_negative:
            return self.node("Neg", axes, self(-expr)), PRODUCT
        over, under = (self.gathered(sp.Mul, factors) for factors in fraction(expr))
        first, *others = over or [sp.S.One]
        total = self.value(first, axes)
        for factor in others:
            pair = (first, factor) if factor is others[0] else ()
            total = self.node("Mul", axes, total, self.value(factor, axes), parts=pair)
        for factor in under:
            total = self.node("Div", axes, total, self.value(factor, axes))
        return total, PRODUCT

    def gathered(self, whole: type[sp.Expr], parts: Iterable[sp.Expr]) -> list[sp.Expr]:
        """Terms or factors in order, those that are numbers as one."""
        ordered = self.sort(parts)
        numbers = [part for part in ordered if not part.has(Quantity)]
        others = [part for part in ordered if part.has(Quantity)]
        return [whole(*numbers)] * bool(numbers) + others

    def value(self, expr: sp.Expr, axes: Axes) -> Value:
        """The value of a part, beside others that have these axes together."""
        return self.seen(self(expr), axes)

    def power(self, expr):
        base, exponent = expr.args
        axes = axes_of(expr)
        if exponent.is_number and exponent.is_negative:
            found = self.node("Div", axes, self.graph.number(1), self(base**-exponent))
        elif exponent == sp.S.Half:
            found = self.node("Sqrt", axes, self(base))
        elif exponent == 2:
            found = self.node("Mul", axes, self(base), self(base))
        else:
            found = self.node("Pow", axes, self.value(base, axes), self.value(exponent, axes))
        return found, PRODUCT

    def function(self, expr):
        name, axes = expr.func.__name__, axes_of(expr)
        inputs = [self.value(part, axes) for part in expr.args]
        if name == "choose":
            inputs[0] = self.node("Greater", axes, inputs[0], self.graph.number(0))
            return self.node("Where", axes, *inputs)
        return self.node(OPERATORS.get(name, f"{OWN}{name}"), axes, *inputs)

    # products and sums

    def matvec(self, matrix, vector):
        node = MatVec(matrix, vector)
        base = self.place(_base(matrix))
        if not (base.is_fixed and len(base.axes) == 2):
            return self.einsum(node)
        if not isinstance(matrix, Transposed):
            base = self.transpose(base)
        pair = (_base(matrix), vector)
        return self.node("MatMul", node.axes(), self.place(vector), base, parts=pair)

    def transpose(self, matrix: Value) -> Value:
        name = self.graph.add("Transpose", (matrix,), f"{matrix.name}_T", perm="[1, 0]")
        return Value(name, matrix.axes[::-1])

    def outer(self, left, right):
        node = Outer(left, right)
        if left.axes[-1] == right.axes[-1]:
            return self.einsum(node)
        axes = node.axes()
        values = self.value(left, axes), self.value(right, axes)
        return self.node("Mul", axes, *values, parts=(left, right))

    def einsum(self, node: MatVec | Outer) -> Value:
        """A product as a sum over what its operands have in common."""
        *each, result = self.products.subscripts(node, ())
        operands = [self.place(_base(q)) for q in node.args]
        read = [("" if q.is_fixed else "...") + s for q, s in zip(operands, each, strict=True)]
        lead = "" if all(q.is_fixed for q in operands) else "..."
        words = f'"{",".join(read)}->{lead}{result}"'
        pair = map(_base, node.args)
        return self.node("Einsum", node.axes(), *operands, parts=pair, equation=words)

    def feature_sum(self, whole, *sizes):
        axes = axes_of(whole)
        along = tuple(size.axis for size in sizes) or axes[-1:]
        return self.reduced("ReduceSum", self.value(whole, axes), along)

    def largest(self, vector):
        return self.reduced("ReduceMax", self(vector), axes_of(vector)[-1:])

    def reduced(self, op: str, whole: Value, along: Axes) -> Value:
        """What is left of a value along other axes than these; a number has an axis of length 1."""
        places = [whole.axes.index(axis) - len(whole.axes) for axis in along]
        left = tuple(axis for axis in whole.axes if axis not in along)
        at = self.graph.integers("axes", *places)
        found = self.node(op, left, whole, at, keepdims="0")
        return found if left or whole.is_fixed else self.with_axis(found)

    def with_axis(self, number: Value) -> Value:
        """A number with an axis of length 1."""
        return self.node("Unsqueeze", (), number, self.graph.integers("axes", -1))

    # from step to step

    def held(self, ended: Value, old: Value, new: Value) -> Value:
        """What is new, or what is old where a sequence has ended."""
        inputs = self.seen(ended, new.axes), old, new
        return Value(self.graph.add("Where", inputs, f"{new.name}_held"), new.axes, False)

    def copied(self, value: Value, name: str) -> Value:
        """A value once more, under a name of its own."""
        copy = self.graph.free(name)
        self.graph.call(value, copy)
        return Value(copy, value.axes, value.is_fixed)


def _base(matrix: sp.Expr) -> Quantity:
    """A matrix, or the one that it is the transpose of."""
    return matrix.args[0] if isinstance(matrix, Transposed) else matrix


def _added_first(terms: list[sp.Expr]) -> list[sp.Expr]:
    """Terms, the first of which is added where there is such a one."""
    lead = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
    return [lead, *(term for term in terms if term is not lead)]
