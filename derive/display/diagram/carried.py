"""What the lines of a backward picture carry: along each, what its reader hands back.

An operation hands back the adjoint of its value times its derivative with respect to what the line
brings. A layer hands back the adjoint of what its activation is applied to, through the transposed
weights of what the line brings; along a line that others were merged into, as much to each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Set
from functools import cached_property

import sympy as sp

from derive.adjoint import Adjoint, gathered
from derive.deviation import Stated
from derive.display.diagram.graph import Graph, Node, Norm, Operand, with_norms
from derive.elementwise import Elementwise
from derive.nodes import FeatureSum, MatVec, Outer, Quantity, axes_of, summed
from derive.nodes import Node as Node_

NORM = "norm′"  # a standardised vector's derivative, which is no factor: its name stands for it

Shares = Iterator[tuple[sp.Expr, sp.Expr]]  # what a line brings, and what that receives


class Carried:
    """What the lines of a cell's graph carry backwards."""

    def __init__(self, graph: Graph, adjoint: Adjoint):
        self.graph, self.adjoint = graph, adjoint

    def handed_back(self, node: Node, operand: Operand) -> tuple[sp.Expr, ...]:
        """What a node hands back along a line: to what the line brings, or to each of those that
        were merged into it."""
        if node.kind == "layer":
            received = self.received(node)
            found = [received[line.source] for line in self.brought(operand)]
        else:
            found = [self.contribution(node, operand)]
        return tuple(share.xreplace(self.standardised) for share in found)

    def brought(self, operand: Operand) -> Iterator[Operand]:
        """What a line brings: more than one thing where lines were merged into it."""
        source = self.graph.nodes[operand.source]
        if source.kind != "merge":
            yield operand
        for merged in source.operands if source.kind == "merge" else ():
            yield from self.brought(merged)

    def value(self, node: Node) -> sp.Expr:
        """The adjoint of what a node computes: by name where it has one, or else what its readers
        hand back."""
        name = self.name(node)
        return self.adjoint.bar[name] if name is not None else sp.Add(*self.shares(node))

    def shares(self, node: Node) -> Iterator[sp.Expr]:
        """What a node's value receives from each of its readers."""
        for reader in self.graph.of_kind("layer", "operation"):
            for operand in reader.operands:
                sources = [line.source for line in self.brought(operand)]
                if node.key in sources:
                    yield self.handed_back(reader, operand)[sources.index(node.key)]

    def name(self, node: Node) -> Quantity | None:
        """The name of a node's value: its own or, for a layer whose line branches, that of the
        normal form. In an operation's formula that names something else, which fewer read."""
        if node.names:
            return node.names[0]
        is_trunk = node.kind == "layer" and len(self.graph.readers[node.key]) > 1
        return self.inner.get(node.expr) if is_trunk else None

    @cached_property
    def inner(self) -> dict[sp.Expr, Quantity]:
        """The names that no node has, by their formulas in those that one has."""
        return {rhs: name for name, rhs in self.meaning.items()}

    @cached_property
    def meaning(self) -> dict[Quantity, sp.Expr]:
        """For each name that no node has, its formula in those that one has."""
        drawn = {name for node in self.graph.nodes.values() for name in node.names}
        meaning: dict[Quantity, sp.Expr] = {}
        for name, rhs in self.formulas.items():
            if name not in drawn:
                meaning[name] = rhs.xreplace(meaning)
        return meaning

    @cached_property
    def standardised(self) -> dict[sp.Expr, Quantity]:
        """The names of sums and products in which a vector is standardised, by what the graph has
        for them: it has the mean and the deviation no more, which a formula would have to name."""
        formulas = {name: rhs.xreplace(self.meaning) for name, rhs in self.formulas.items()}
        return {
            rhs: name
            for name, rhs in formulas.items()
            if rhs.has(Norm) and not isinstance(rhs, Elementwise)
        }

    @cached_property
    def formulas(self) -> dict[Quantity, sp.Expr]:
        """The formulas of the normal form, in which standardising is one operation."""
        return with_norms(self.adjoint.forward)

    # operations

    def contribution(self, node: Node, operand: Operand) -> sp.Expr:
        """The adjoint of an operation's value, times its derivative with respect to one of its
        operands; what all features of a number hand back adds up."""
        bar = self.value(node)
        if isinstance(node.expr, MatVec | Outer):
            shares = node.expr.adjoint(bar)  # of outer(h, h), one line brings both sides
            return sp.Add(*(share for part, share in shares if part == operand.expr))
        made = bar * self.slope(node, operand)
        missing = [axis for axis in axes_of(made) if axis not in axes_of(operand.expr)]
        return summed(made, missing) if missing else made

    def slope(self, node: Node, operand: Operand) -> sp.Expr:
        """The derivative of an operation with respect to one of the lines that it reads."""
        if node.label == "+":
            return sp.S.NegativeOne if operand.negated else sp.S.One
        if node.label == "*":
            return sp.Mul(*(other.expr for other in node.operands if other != operand))
        if isinstance(node.expr, Norm):
            return Quantity(NORM, node.expr.axes())
        if isinstance(node.expr, FeatureSum):
            return sp.S.One
        if isinstance(node.expr, Elementwise | Stated):
            output = node.names[0] if node.names else node.expr
            others = node.expr.args if isinstance(node.expr, Elementwise) else ()
            return node.expr.slopes(output, *others)[node.expr.args.index(operand.expr)]
        return partial(node.expr, operand.expr)

    # layers

    def received(self, layer: Node) -> dict[str, sp.Expr]:
        """What the value of each node that a layer reads receives from it."""
        lines = [line for operand in layer.operands for line in self.brought(operand)]
        values = {line.source: self.values(line) for line in lines}
        sources = {value: source for source, found in values.items() for value in found}
        shares: defaultdict[str, list[sp.Expr]] = defaultdict(list)
        for value, share in handed_on(inside(layer), self.before(layer), sources.keys()):
            shares[sources[value]].append(share)
        return {source: gathered(found[0], shares[source]) for source, found in values.items()}

    def values(self, line: Operand) -> tuple[sp.Expr, ...]:
        """What a line's value is in formulas: any of its names, of which there may be several, or a
        formula itself."""
        names = self.graph.nodes[line.source].names
        return (*names, line.expr) if line.expr != 0 else names  # as what is merged has none

    def before(self, layer: Node) -> sp.Expr:
        """The adjoint of what a layer's activation is applied to: by name where that has one."""
        if inside(layer) is layer.expr:
            return self.value(layer)
        name = self.applied.get(layer.names[0]) if layer.names else self.inner.get(inside(layer))
        if name is not None:
            return self.adjoint.bar[name]
        return self.value(layer) * layer.expr.slopes(layer.expr, inside(layer))[0]

    @cached_property
    def applied(self) -> dict[Quantity, Quantity]:
        """For each activation's value, what the activation is applied to."""
        return {
            e.lhs: argument
            for e in self.adjoint.forward
            if isinstance(e.rhs, Elementwise)
            for argument in e.rhs.args[:1]
            if argument in self.adjoint.bar
        }


def handed_on(expr: sp.Expr, bar: sp.Expr, lines: Set[sp.Expr]) -> Shares:
    """What the lines in a layer's sum of products receive, given the adjoint of the sum."""
    if expr in lines:
        yield expr, bar
    elif isinstance(expr, sp.Add):
        for term in expr.args:
            yield from handed_on(term, bar, lines)
    elif isinstance(expr, sp.Mul):
        for factor in expr.args:
            yield from handed_on(factor, bar * (expr / factor), lines)
    elif isinstance(expr, Norm):
        yield from handed_on(expr.args[0], bar * Quantity(NORM, expr.axes()), lines)
    elif isinstance(expr, Node_):
        for part, share in expr.adjoint(bar):
            yield from handed_on(part, share, lines)


def inside(layer: Node) -> sp.Expr:
    """What a layer's activation is applied to."""
    return layer.expr.args[0] if isinstance(layer.expr, Elementwise) else layer.expr


def partial(expr: sp.Expr, line: sp.Expr) -> sp.Expr:
    """The derivative of a formula with respect to a part of it, which may be some of its factors or
    terms."""
    variable = sp.Dummy(real=True)
    expr = expr.xreplace({FeatureSum(line): line})  # a sum passes on what it gets to each term
    return expr.subs(line, variable).diff(variable).xreplace({variable: line})
