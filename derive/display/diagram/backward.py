"""The backward pass on the picture of the forward pass: every line carries an adjoint, against the
arrows.

Beside each line stands what its reader hands back along it (`derive.display.diagram.carried`), and
where lines were joined, as much for each of them. Where a line branches, what comes back adds up.
Rails are drawn boldly: along them the adjoint of a state meets sums, which let it pass unchanged,
and products with gates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.adjoint import adjoint
from derive.cell import Cell
from derive.display.derivation import Name, readable
from derive.display.diagram import label
from derive.display.diagram.arrange import arranged
from derive.display.diagram.carried import NORM, Carried
from derive.display.diagram.draw import TYPE, Pen, Text
from derive.display.diagram.graph import Node, Operand
from derive.display.diagram.route import Routes, Way
from derive.display.diagram.scene import Dot, Position, Scene, Stroke, Word

# What is wider is written below the picture, under a number; and so is what finds no room so often.
LONGEST, PATIENCE = 100.0, 8


def backward(cell: Cell, routes: Routes | None = None) -> Scene:
    """The picture of a cell's adjoints, on an arrangement that is there already or on one made
    for it."""
    return _BackwardPen(cell, routes or arranged(cell)).run()


class _BackwardPen(Pen):
    def __init__(self, cell: Cell, routes: Routes):
        super().__init__(cell, routes)
        self.adjoint = adjoint(cell)
        self.carried = Carried(self.graph, self.adjoint)
        self.labels.names = {**self.labels.names, NORM: Name(NORM)}
        self.labels.stems[NORM] = [NORM]
        self.texts: dict[tuple[str, Operand], Text] = {}
        self.notes: dict[str, str] = {}

    def drawn(self) -> Scene | None:
        self.notes = {}
        made = super().drawn()
        return self.with_notes(made) if made is not None else None

    def title(self) -> str:
        return f"{self.cell.title}: the adjoints of one step"

    def strokes(self) -> Iterator[Stroke]:
        along = self.routes.grid.along
        for way, stroke in zip(self.routes.ways, super().strokes(), strict=True):
            if self.is_number(way.source):
                continue
            role = "rail" if along.get(way.target) == way.operand else "adjoint"
            yield replace(stroke, role=role + " matrix" * ("matrix" in stroke.role))

    def dots(self) -> Iterator[Dot]:
        dots = (dot for dot in super().dots() if not self.is_of_number(dot))
        return (replace(dot, role="adjoint") for dot in dots)

    def is_number(self, key: str) -> bool:
        """Whether a node is the step's number, to which nothing is handed back."""
        return self.cell.number in self.graph.nodes[key].names

    def is_of_number(self, shape: Dot | Word) -> bool:
        """Whether a shape is on the line of the step's number, or is its name."""
        return shape.names == (str(self.cell.number),)

    def heads(self, _: Way, points: tuple[Position, ...]) -> tuple[tuple[Position, Position], ...]:
        return ((points[0], points[1]),)

    # what the lines carry

    def outer_words(self) -> Iterator[Word]:
        return (word for word in super().outer_words() if not self.is_of_number(word))

    def outer_text(self, node: Node) -> str:
        """What arrives from the loss and from the next step, and what is handed back."""
        name = node.names[0]
        if node.kind == "output":
            return self.labels.symbol(self.adjoint.seed)
        if node.kind == "leave":
            state = next(s for s in self.cell.states if node.key == f"leave {s}")
            return self.labels.symbol(self.adjoint.carry[state])
        return self.labels.symbol(self.adjoint.bar.get(name, name))

    def inner_words(self) -> Iterator[tuple[Text, Way, tuple[Position, ...]]]:
        """What lines carry where they branch, and what is handed back along each, where it leaves
        the node that hands it back."""
        for node in self.graph.of_kind("layer", "operation"):
            name = self.carried.name(node)
            if name is not None and len(self.graph.readers[node.key]) > 1:
                way = next(way for way in self.routes.ways if way.source == node.key)
                yield (self.labels.symbol(self.adjoint.bar[name]),), way, self.corners(way)
        for node in self.graph.of_kind("layer", "operation"):
            for way in (way for way in self.routes.ways if way.target == node.key):
                if self.is_number(way.source):
                    continue
                text = tuple(map(self.short, self.handed_back(node, way.operand)))
                yield text, way, self.corners(way)[::-1]

    def handed_back(self, node: Node, operand: Operand) -> Text:
        """What a node hands back along a line, in writing."""
        key = node.key, operand
        if key not in self.texts:
            shares = map(readable, self.carried.handed_back(node, operand))
            self.texts[key] = tuple(map(self.labels, shares))
        return self.texts[key]

    def short(self, text: str) -> str:
        """A label, or the number of a note where it is long."""
        if label.width(text, TYPE) <= LONGEST and self.refused[text] < PATIENCE:
            return text
        if text not in self.notes:
            count = len(self.notes)
            self.notes[text] = (
                label.CIRCLED[count] if count < len(label.CIRCLED) else f"({count + 1})"
            )
        return self.notes[text]

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
