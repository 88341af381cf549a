"""The backward pass on the picture of the forward pass: every line carries an adjoint, against the
arrows.

Below each operation stands what it hands back along a line: the adjoint of its value times its
derivative by what the line brings. Where a line branches, what comes back adds up. Rails are drawn
boldly: along them the adjoint of a state meets sums, which let it pass unchanged, and products with
gates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import sympy as sp

from derive.adjoint import adjoint
from derive.cell import Cell
from derive.deviation import Stated
from derive.display.derivation import Name
from derive.display.diagram import label
from derive.display.diagram.draw import TYPE, Pen
from derive.display.diagram.graph import Node, Norm, Operand
from derive.display.diagram.route import Way
from derive.display.diagram.scene import Dot, Position, Scene, Stroke, Word
from derive.elementwise import Elementwise
from derive.nodes import FeatureSum, MatVec, Outer, Quantity, axes_of, summed

# What is wider is written below the picture, under a number. That begins with what is very wide;
# each time that a label finds no room, less is too wide, but not less than a letter is.
LONGEST, STEP, SHORTEST = 100.0, 2.0, 20.0
NORM = "norm′"  # a standardised vector's derivative, which is no factor: its name stands for it


def backward(cell: Cell) -> Scene:
    """The picture of a cell's adjoints."""
    return _BackwardPen(cell).run()


class _BackwardPen(Pen):
    def __init__(self, cell: Cell):
        super().__init__(cell)
        self.adjoint = adjoint(cell)
        self.labels.names = {**self.labels.names, NORM: Name(NORM)}
        self.labels.stems[NORM] = [NORM]
        self.notes: dict[str, str] = {}
        self.longest = LONGEST

    def drawn(self) -> Scene | None:
        self.notes = {}
        made = super().drawn()
        if made is None:
            self.longest = max(SHORTEST, self.longest - STEP)
            return None
        return self.with_notes(made)

    def title(self) -> str:
        return f"{self.cell.title}: the adjoints of one step"

    def strokes(self) -> Iterator[Stroke]:
        along = self.routes.grid.along
        for way, stroke in zip(self.routes.ways, super().strokes(), strict=True):
            role = "rail" if along.get(way.target) == way.operand else "adjoint"
            yield replace(stroke, role=role + " matrix" * ("matrix" in stroke.role))

    def dots(self) -> Iterator[Dot]:
        return (replace(dot, role="adjoint") for dot in super().dots())

    def heads(self, _: Way, points: tuple[Position, ...]) -> tuple[tuple[Position, Position], ...]:
        return ((points[0], points[1]),)

    # what the lines carry

    def outer_text(self, node: Node) -> str:
        """What arrives from the loss and from the next step, and what is handed back."""
        name = node.names[0]
        if node.kind == "output":
            return self.labels.symbol(self.adjoint.seed)
        if node.kind == "leave":
            state = next(s for s in self.cell.states if node.key == f"leave {s}")
            return self.labels.symbol(self.adjoint.carry[state])
        return self.labels.symbol(self.adjoint.bar.get(name, name))  # the step's number has none

    def inner_words(self) -> Iterator[tuple[str, Way, tuple[Position, ...]]]:
        """What is handed back along each line, where it leaves the node that hands it back."""
        for node in self.graph.of_kind("layer", "operation"):
            readers = self.graph.readers[node.key]
            if node.names and len(readers) > 1:
                way = next(way for way in self.routes.ways if way.source == node.key)
                yield self.labels.symbol(self.adjoint.bar[node.names[0]]), way, self.corners(way)
        for node in self.graph.of_kind("layer", "operation"):
            ways = [way for way in self.routes.ways if way.target == node.key]
            if node.kind == "layer":  # the same for all, and said once
                ways = sorted(ways, key=self.place)[-1:]
            for way in ways:
                text = self.carried(node, way.operand)
                if text:
                    yield self.short(text), way, self.corners(way)[::-1]

    def place(self, way: Way) -> Position:
        """Where a way ends."""
        return self.corners(way)[-1]

    def short(self, text: str) -> str:
        """A label, or the number of a note where it is long."""
        if label.width(text, TYPE) <= self.longest:
            return text
        if text not in self.notes:
            count = len(self.notes)
            self.notes[text] = (
                label.CIRCLED[count] if count < len(label.CIRCLED) else f"({count + 1})"
            )
        return self.notes[text]

    def carried(self, target: Node, operand: Operand) -> str:
        """What a node hands back along a line."""
        if target.kind == "layer":
            before = self.before(target)
            return self.labels.symbol(before) if before else ""
        return self.labels(self.contribution(target, operand))

    def before(self, layer: Node) -> Quantity | None:
        """The adjoint of what a layer's activation is applied to; None where it has none."""
        if layer.names:
            return self.inside.get(layer.names[0])
        name = self.expanded.get(_argument(layer))
        return self.adjoint.bar[name] if name else None

    @cached_property
    def inside(self) -> dict[Quantity, Quantity]:
        """For each layer's value, the adjoint of what its activation is applied to."""
        bar = self.adjoint.bar
        return {
            e.lhs: bar[argument]
            for e in self.adjoint.forward
            if isinstance(e.rhs, Elementwise)
            for argument in e.rhs.args[:1]
            if argument in bar
        }

    @cached_property
    def named(self) -> dict[sp.Expr, Quantity]:
        """What only the normal form has named, as the layers that read it have it."""
        read = {o.expr for node in self.graph.of_kind("layer") for o in node.operands}
        return {rhs: name for rhs, name in self.expanded.items() if rhs in read}

    @cached_property
    def expanded(self) -> dict[sp.Expr, Quantity]:
        """The names that only the normal form has, by their formulas in the cell's own."""
        own = {e.lhs for e in self.cell.equations}
        meaning: dict[sp.Expr, sp.Expr] = {}
        for e in self.adjoint.forward:
            if e.lhs not in own:
                meaning[e.lhs] = e.rhs.xreplace(meaning)
        return {rhs: name for name, rhs in meaning.items()}

    def contribution(self, node: Node, operand: Operand) -> sp.Expr:
        """The adjoint of a node's value, times its derivative by one of its operands; what all
        features of a number hand back adds up."""
        bar = (self.before(node) if node.kind == "layer" else self.value(node)) or sp.S.Zero
        if node.kind == "operation" and isinstance(node.expr, MatVec | Outer):
            return next(share for part, share in node.expr.adjoint(bar) if part == operand.expr)
        made = bar * self.slope(node, operand)
        missing = [axis for axis in axes_of(made) if axis not in axes_of(operand.expr)]
        return summed(made, missing) if missing else made

    def value(self, node: Node) -> sp.Expr:
        """The adjoint of what a node computes: by name, or else what its readers hand back."""
        if node.names:
            return self.adjoint.bar[node.names[0]]
        if node.expr in self.named:
            return self.adjoint.bar[self.named[node.expr]]
        readers = (self.graph.nodes[key] for key in self.graph.readers[node.key])
        return sp.Add(
            *(
                self.contribution(reader, operand)
                for reader in readers
                for operand in reader.operands
                if operand.source == node.key and reader.kind in {"layer", "operation"}
            )
        )

    def slope(self, node: Node, operand: Operand) -> sp.Expr:
        """The derivative of an operation by one of the lines that it reads; of what is inside a
        layer, by one that it adds."""
        if node.kind == "layer":
            return self.partial(_argument(node), operand.expr)
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
        return self.partial(node.expr, operand.expr)

    def partial(self, expr: sp.Expr, line: sp.Expr) -> sp.Expr:
        """The derivative of a formula by a part of it, which may be some of its factors or
        terms."""
        variable = sp.Dummy(real=True)
        expr = expr.xreplace({FeatureSum(line): line})  # a sum passes on what it gets to each term
        return expr.subs(line, variable).diff(variable).xreplace({variable: line})

    def with_notes(self, made: Scene) -> Scene:
        """The scene with the long formulas below it."""
        words = list(made.words)
        y = made.height + TYPE
        for text, number in self.notes.items():
            line = f"{number} = {text}"
            words.append(
                Word(made.frames[0].left, y, label.width(line, TYPE), line, "note", (), TYPE - 1)
            )
            y += 1.6 * TYPE
        # A name of its own, so that both pictures may stand on one page.
        return replace(made, words=tuple(words), name=f"{made.name}-back").trimmed()


def _argument(layer: Node) -> sp.Expr:
    """What a layer's activation is applied to."""
    return layer.expr.args[0] if isinstance(layer.expr, Elementwise) else layer.expr
