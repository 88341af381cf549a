"""From a cell's equations to the graph that a diagram draws: layers, operations, and lines.

What a thing is follows from the equations alone. A *layer* is an activation of matrix products, or
such products by themselves: what is learnt, drawn as a box. An *operation* is anything elementwise,
drawn as a circle. A state is a *rail*: the operations through which its old value becomes the new
one lie on it. Where several layers read the same lines, these *merge* once.

A line belongs to the node that it comes from. What depends on parameters alone is no line; it is
part of an operation's label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from derive.cell import Cell, Equation, settled
from derive.deviation import Deviation
from derive.elementwise import Elementwise, maximum
from derive.nodes import (
    Axes,
    FeatureSum,
    MatVec,
    Quantity,
    Transposed,
    axes_of,
    symbols_of,
)
from derive.nodes import Node as Node_

SIDES = 3  # how many lines reach an operation; the fourth side is where one leaves it
LINES = 4  # how many lines reach a layer before they merge
SPARED = 4  # how many lines a second merge has to spare


@dataclass(frozen=True)
class Operand:
    """A line as it arrives at a node.

    source   the node it comes from
    expr     what it carries, in the formula of the node it arrives at
    negated  whether it is subtracted
    """

    source: str
    expr: sp.Expr
    negated: bool = False


@dataclass(frozen=True)
class Node:
    """Something on the picture that a line leaves or reaches.

    key       its name in the graph
    kind      "input", "enter", "layer", "operation", "merge", "leave" or "output"
    label     what is written on it: a function's name or a sign
    operands  the lines that arrive
    expr      what it computes, in terms of quantities
    names     the quantities that its value is
    """

    key: str
    kind: str
    label: str = ""
    operands: tuple[Operand, ...] = ()
    expr: sp.Expr = sp.S.Zero
    names: tuple[Quantity, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A cell's nodes in order of evaluation, and the rails of its states.

    rails  for each state with one, the operations between its old value and the new one
    """

    cell: Cell
    nodes: dict[str, Node]
    rails: dict[Quantity, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def readers(self) -> dict[str, tuple[str, ...]]:
        """For each node, those that its line reaches."""
        found: dict[str, list[str]] = {key: [] for key in self.nodes}
        for node in self.nodes.values():
            for operand in node.operands:
                found[operand.source].append(node.key)
        return {key: tuple(dict.fromkeys(keys)) for key, keys in found.items()}

    @cached_property
    def on_rail(self) -> dict[str, Quantity]:
        """The state on whose rail an operation lies."""
        return {key: state for state, keys in self.rails.items() for key in keys}

    def of_kind(self, *kinds: str) -> list[Node]:
        """The nodes of some kinds, in order."""
        return [node for node in self.nodes.values() if node.kind in kinds]


def graph(cell: Cell) -> Graph:
    """The graph of a cell."""
    nodes = _merged(_Builder(cell).run())
    return Graph(cell, nodes, _rails(cell, nodes))


class _Builder:
    """Turns formulas into nodes, each formula into one."""

    def __init__(self, cell: Cell):
        self.cell = cell
        self.formulas = with_norms(cell.equations)
        self.constant = _constants(cell)
        self.meaning = _folded(cell, self.formulas, self.constant)
        self.nodes: dict[str, Node] = {}
        self.known: dict[sp.Expr, str] = {}

    def run(self) -> dict[str, Node]:
        cell = self.cell
        for q in cell.given:
            key = "input" if q == cell.input else f"input {q}"
            self.known[q] = self.add(Node(key, "input", names=(q,)))
        for state in cell.states:
            self.known[state] = self.add(Node(f"enter {state}", "enter", names=(state,)))
        leaving = {*cell.updates.values(), cell.output}
        for equation in cell.equations:
            name = equation.lhs
            if name in self.constant and name in leaving:
                self.known[name] = self.node("operation", "constant", (), name)
                self.name(self.known[name], name)
            elif name not in self.constant and name not in self.meaning:
                self.define(name, self.inlined(self.formulas[name]))
        for state, new in cell.updates.items():
            line = Operand(self.known[new], new)
            self.add(Node(f"leave {state}", "leave", operands=(line,), names=(new,)))
        line = Operand(self.known[cell.output], cell.output)
        self.add(Node("output", "output", operands=(line,), names=(cell.output,)))
        for name in self.meaning:
            rhs = self.inlined(self.formulas[name])
            if rhs in self.known:  # it has a layer of its own after all
                self.name(self.known[rhs], name)
        return _reached(self.nodes)

    def inlined(self, expr: sp.Expr) -> sp.Expr:
        """A formula without the names of what is drawn as part of it."""
        while self.meaning.keys() & symbols_of(expr):
            expr = expr.xreplace(self.meaning)
        return expr

    def define(self, name: Quantity, rhs: sp.Expr) -> None:
        self.known[name] = self.line(rhs)
        self.name(self.known[name], name)

    def name(self, key: str, name: Quantity) -> None:
        """Give a node one more name."""
        node = self.nodes[key]
        self.nodes[key] = replace(node, names=(*node.names, name))

    def add(self, node: Node) -> str:
        self.nodes[node.key] = node
        return node.key

    def line(self, expr: sp.Expr) -> str:
        """The node whose line carries the value of a formula."""
        if expr not in self.known:
            self.known[expr] = self.made(expr)
        return self.known[expr]

    def made(self, expr: sp.Expr) -> str:
        layer = self.layer(expr)
        if layer:
            return self.node("layer", *layer, expr)
        return self.node("operation", *self.operation(expr), expr)

    def node(self, kind: str, label: str, operands: Iterable[Operand], expr: sp.Expr) -> str:
        return self.add(Node(f"n{len(self.nodes)}", kind, label, tuple(operands), expr))

    def operand(self, expr: sp.Expr, *, negated: bool = False) -> Operand:
        return Operand(self.line(expr), expr, negated)

    # layers

    def layer(self, expr: sp.Expr) -> tuple[str, list[Operand]] | None:
        """A layer's activation and what it reads; None where nothing is learnt."""
        inside, label = expr, "linear"
        if isinstance(expr, Elementwise) and len(expr.args) == 1:
            (inside,), label = expr.args, type(expr).__name__
        terms = sp.Add.make_args(inside)
        weighed = [self.weighed(term) for term in terms]
        pairs = zip(weighed, terms, strict=True)
        if not any(w is not None and _is_product(t, self.constant) for w, t in pairs):
            return None
        if label == "linear" and any(w is None for w in weighed):
            return None
        if norms := {norm.drawn for term in terms for norm in term.atoms(Norm)}:
            norm = max(norms)  # the marked one, where there are both
            label = norm if label == "linear" else f"{label} {norm}"
        read: dict[sp.Expr, Operand] = {}
        for term, vectors in zip(terms, weighed, strict=True):
            for vector in vectors if vectors is not None else [term]:
                read.setdefault(vector, self.operand(vector))
        return label, list({operand.source: operand for operand in read.values()}.values())

    def weighed(self, term: sp.Expr) -> list[sp.Expr] | None:
        """The vectors that a term multiplies with something learnt; None where it does not."""
        if self.is_constant(term):
            return []
        if _is_learnt(term, self.constant):
            return [term.args[1]]
        if isinstance(term, Norm):
            return self.weighed(term.args[0])
        if isinstance(term, sp.Add):
            parts = [self.weighed(part) for part in term.args]
            return None if None in parts else [v for part in parts for v in part or ()]
        if not isinstance(term, sp.Mul):
            return None
        factors = [factor for factor in term.args if not self.is_constant(factor)]
        learnt = any(symbols_of(f) & self.constant for f in term.args if self.is_constant(f))
        if len(factors) != 1:
            return None
        inner = self.weighed(factors[0])
        if inner is not None:
            return inner
        return factors if learnt and factors[0].is_Symbol else None

    # operations

    def operation(self, expr: sp.Expr) -> tuple[str, list[Operand]]:
        """An operation's label and what it reads."""
        if isinstance(expr, sp.Add):
            return self.sum(expr)
        if isinstance(expr, sp.Mul):
            return self.product(expr)
        if isinstance(expr, sp.Pow):
            return self.power(expr)
        if isinstance(expr, MatVec):  # with a matrix that is no parameter
            matrix, vector = expr.args
            (whole,) = matrix.args if isinstance(matrix, Transposed) else (matrix,)
            return "apply", [self.operand(whole), self.operand(vector)]
        lines = [argument for argument in expr.args if not self.is_constant(argument)]
        label = getattr(expr, "drawn", "") or type(expr).__name__.lower()
        once = dict.fromkeys(lines)  # one line brings both sides of outer(h, h)
        return label, [self.operand(argument) for argument in once]

    def sum(self, expr: sp.Add) -> tuple[str, list[Operand]]:
        constant = [term for term in expr.args if self.is_constant(term)]
        lines = [term for term in expr.args if not self.is_constant(term)]
        if constant and len(lines) == 1:
            if constant == [sp.S.One] and _is_minus(lines[0]):
                return "1 -", [self.operand(-lines[0])]
            return self.affine(expr, lines[0])
        if constant:
            rest = sp.Add(*lines)
            return self.affine(expr, rest)
        return "+", [
            self.operand(-term if _is_minus(term) else term, negated=_is_minus(term))
            for term in self.chained(sp.Add, lines)
        ]

    def affine(self, expr: sp.Expr, line: sp.Expr) -> tuple[str, list[Operand]]:
        """Something times a constant plus a constant; the factor goes with it."""
        factors = [f for f in sp.Mul.make_args(line) if not self.is_constant(f)]
        inner = sp.Mul(*factors)
        return self.constant_label(expr, inner), [self.operand(inner)]

    def constant_label(self, expr: sp.Expr, line: sp.Expr) -> str:
        """What an operation with one line does to it: ``0.9 ·``, ``+ b``, ``affine``."""
        if expr.is_Mul and (factor := expr / line).is_Number:
            return "-" if factor == -1 else f"{float(factor):.4g} ·".replace("-", "−")
        return "affine"

    def product(self, expr: sp.Mul) -> tuple[str, list[Operand]]:
        constant = [factor for factor in expr.args if self.is_constant(factor)]
        lines = [factor for factor in expr.args if not self.is_constant(factor)]
        if constant and sp.Mul(*constant) != 1:
            inner = sp.Mul(*lines)
            if expr == -inner and isinstance(inner, maximum) and all(map(_is_minus, inner.args)):
                return "min", [self.operand(-argument) for argument in inner.args]
            if isinstance(inner, FeatureSum) and not symbols_of(sp.Mul(*constant)):
                return self.mean(expr, inner)
            return self.constant_label(expr, inner), [self.operand(inner)]
        return "*", [self.operand(factor) for factor in self.chained(sp.Mul, lines)]

    def mean(self, expr: sp.Mul, total: FeatureSum) -> tuple[str, list[Operand]]:
        """A sum over features, divided by their number if that is what its factor is."""
        whole = total.args[0]
        if expr / total == 1 / total.alike(()):
            return "mean", [self.operand(whole)]
        return self.constant_label(expr, total), [self.operand(total)]

    def power(self, expr: sp.Pow) -> tuple[str, list[Operand]]:
        base, exponent = expr.args
        label = {-1: "1 /", 2: "square"}.get(exponent, f"power {exponent}")
        return label, [self.operand(base)]

    def chained(self, kind: type[sp.Basic], parts: list[sp.Expr]) -> list[sp.Expr]:
        """Terms or factors in order, the first ones taken together where a circle has no side left
        for each."""
        parts = self.in_order(self.shared(kind, parts))
        while len(parts) > SIDES:
            parts = [kind(*parts[:SIDES]), *parts[SIDES:]]
        return parts

    def shared(self, kind: type[sp.Basic], parts: list[sp.Expr]) -> list[sp.Expr]:
        """Terms or factors, of which those that stand together elsewhere are one."""
        for expr in self.known:
            if isinstance(expr, kind) and len(expr.args) < len(parts) and {*expr.args} <= {*parts}:
                return [expr, *(part for part in parts if part not in expr.args)]
        return parts

    def in_order(self, parts: Iterable[sp.Expr]) -> list[sp.Expr]:
        """Terms or factors in the order in which what they read is defined."""
        place = {q: n for n, q in enumerate(self.cell.quantities)}
        return sorted(
            parts, key=lambda part: (sorted(place[q] for q in symbols_of(part)), str(part))
        )

    def is_constant(self, expr: sp.Expr) -> bool:
        return symbols_of(expr) <= self.constant


def _constants(cell: Cell) -> frozenset[Quantity]:
    """The parameters, and what depends on them alone."""
    return frozenset(settled(cell.parameters, cell.equations))


class Norm(Node_):
    """For display: a vector, standardised."""

    nargs = 1
    drawn = "norm"

    def axes(self) -> Axes:
        return axes_of(self.args[0])


class JointNorm(Norm):
    """For display: a vector, standardised together with others, whose mean and deviation it has
    part in. No line brings these; the key says so."""

    drawn = "norm*"


def with_norms(equations: Iterable[Equation]) -> dict[Quantity, sp.Expr]:
    """The formulas, in which a vector's distance from its mean, divided by the standard deviation,
    is one operation."""
    equations = tuple(equations)
    deviations = {e.lhs: e.rhs for e in equations if isinstance(e.rhs, Deviation)}

    def standardised(product: sp.Mul) -> sp.Expr:
        for sigma, deviation in deviations.items():
            for factor in product.args:
                vector = factor + deviation.args[0] if factor.is_Add else None
                if vector in deviation.args[2:] and 1 / sigma in product.args:
                    norm = Norm if len(deviation.args) == 3 else JointNorm
                    return product * sigma / factor * norm(vector)
        return product

    return {e.lhs: e.rhs.replace(sp.Mul, lambda *f: standardised(sp.Mul(*f))) for e in equations}


def _folded(
    cell: Cell, formulas: dict[Quantity, sp.Expr], constant: frozenset[Quantity]
) -> dict[Quantity, sp.Expr]:
    """What is drawn as a part of the one layer that reads it, in one place: products without an
    activation, and their standardised values."""
    places: Counter[Quantity] = Counter()
    for name, rhs in formulas.items():
        if name.axes:
            places.update(q for q in sp.preorder_traversal(rhs) if isinstance(q, Quantity))
    kept = {cell.output, *cell.updates.values(), *constant}
    folded: dict[Quantity, sp.Expr] = {}
    for name, rhs in formulas.items():
        terms = sp.Add.make_args(rhs.xreplace(folded))
        is_learnt = places[name] == 1 and any(_is_product(term, constant) for term in terms)
        if name not in kept and is_learnt and all(_is_linear(t, constant) for t in terms):
            folded[name] = rhs
    return folded


def _is_linear(term: sp.Expr, constant: frozenset[Quantity]) -> bool:
    """Whether a term is a product with a matrix or a learnt vector, or constant."""
    while isinstance(term, Norm):
        (term,) = term.args
    if isinstance(term, sp.Mul):
        others = [factor for factor in term.args if not symbols_of(factor) <= constant]
        return len(others) == 1 and others[0].is_Symbol and bool(symbols_of(term) & constant)
    return _is_learnt(term, constant) or symbols_of(term) <= constant


def _is_product(term: sp.Expr, constant: frozenset[Quantity]) -> bool:
    """Whether a term has a product with a matrix that is learnt."""
    return any(_is_learnt(product, constant) for product in term.atoms(MatVec))


def _is_learnt(term: sp.Expr, constant: frozenset[Quantity]) -> bool:
    """Whether a term is a product with a matrix that is learnt, or depends on parameters alone."""
    return isinstance(term, MatVec) and symbols_of(term.args[0]) <= constant


def _is_minus(term: sp.Expr) -> bool:
    return bool(term.could_extract_minus_sign())


def _reached(nodes: dict[str, Node]) -> dict[str, Node]:
    """The nodes on whose value the new states or the output depend, and what enters."""
    wanted = [key for key, node in nodes.items() if node.kind in {"leave", "output"}]
    found = {key for key, node in nodes.items() if node.kind in {"input", "enter"}}
    while wanted:
        key = wanted.pop()
        if key not in found:
            found.add(key)
            wanted += [operand.source for operand in nodes[key].operands]
    return {key: node for key, node in nodes.items() if key in found}


def _merged(nodes: dict[str, Node]) -> dict[str, Node]:
    """The graph with the lines merged that layers read together: the inputs and states.

    What is merged may merge with more, where that spares enough lines.
    """
    first = {key: node for key, node in nodes.items() if node.kind in {"input", "enter"}}
    ground = sorted(first, key=lambda key: first[key].kind == "input")
    changed, made = nodes, dict[str, Node]()
    while together := _common([_read(node, ground) for node in changed.values()], bool(made)):
        joint = together[0]
        for source in together[1:]:
            operands = Operand(joint, sp.S.Zero), Operand(source, sp.S.Zero)
            joint = f"merge {len(made)}"
            made[joint] = Node(joint, "merge", operands=operands)
        changed = {
            key: _reading(node, {*together}, joint)
            if {*together} <= {*_read(node, ground)}
            else node
            for key, node in changed.items()
        }
        ground.insert(0, joint)
    return first | made | {k: v for key in changed for k, v in _narrowed(changed[key]).items()}


def _narrowed(node: Node) -> dict[str, Node]:
    """A layer that reads few lines, behind the merges that make them few."""
    made: dict[str, Node] = {}
    while node.kind == "layer" and len(node.operands) > LINES:
        *others, one, two = node.operands
        key = f"merge {len(made)} of {node.key}"
        made[key] = Node(key, "merge", operands=(one, two))
        node = replace(node, operands=(*others, Operand(key, node.expr)))
    return made | {node.key: node}


def _read(node: Node, ground: list[str]) -> tuple[str, ...]:
    """Which of some lines a layer reads."""
    sources = {operand.source for operand in node.operands if node.kind == "layer"}
    return tuple(line for line in ground if line in sources)


def _common(sets: list[tuple[str, ...]], is_merged: bool) -> tuple[str, ...]:
    """The lines to be merged: those that as many layers as possible read together. Where some are
    merged already, more have to be worth it: a peephole stays a line of its own."""
    pairs = (tuple(line for line in one if line in two) for one in sets for two in sets)
    best: tuple[tuple[int, int], tuple[str, ...]] = ((1, 0), ())
    for lines in dict.fromkeys(lines for lines in pairs if len(lines) > 1):
        layers = sum({*lines} <= {*one} for one in sets)
        if is_merged and (layers - 1) * (len(lines) - 1) < SPARED:
            continue
        best = max(best, ((layers, len(lines)), lines), key=lambda pair: pair[0])
    return best[1]


def _reading(node: Node, together: set[str], joint: str) -> Node:
    """A layer that reads merged lines as one."""
    others = [o for o in node.operands if o.source not in together]
    return replace(node, operands=(Operand(joint, node.expr), *others))


def _rails(cell: Cell, nodes: dict[str, Node]) -> dict[Quantity, tuple[str, ...]]:
    """For each state, the operations on the way from its old value to its new one; where there is
    more than one way, the one with the fewest that are neither a sum nor a product."""
    rails: dict[Quantity, tuple[str, ...]] = {}
    taken: set[str] = set()
    for state in cell.updates:
        start = nodes[f"leave {state}"].operands[0].source
        way = _way(nodes, start, f"enter {state}", taken)
        if way:
            rails[state] = way
            taken |= {*way}
    return rails


def _way(nodes: dict[str, Node], start: str, end: str, taken: set[str]) -> tuple[str, ...]:
    """The best way through operations from a node to the one at the `start`; empty where there is
    none."""
    best: dict[str, tuple[int, int, tuple[str, ...]]] = {end: (0, 0, ())}
    for key, node in nodes.items():
        if node.kind != "operation" or key in taken:
            continue
        ways = [best[o.source] for o in node.operands if o.source in best]
        if ways:
            others, length, way = min(ways)
            best[key] = others + (node.label not in "+*"), length + 1, (*way, key)
    return best.get(start, (0, 0, ()))[2]
