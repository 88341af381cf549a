"""The other usual picture of a cell: its states as boxes in the middle, from which dashed lines
bring the values of the step before, and the order of evaluation in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.cell import Cell
from derive.display.diagram import label
from derive.display.diagram.arrange import arrange
from derive.display.diagram.draw import MARGIN, SMALL, Pen, Text
from derive.display.diagram.graph import Graph, Node, graph
from derive.display.diagram.roles import line_roles, roles
from derive.display.diagram.route import Routes, Way
from derive.display.diagram.scene import Position, Scene, Stroke, Word


def loop(cell: Cell) -> Scene:
    """The picture of a cell whose states are boxes."""
    return _LoopPen(cell, arrange(looped(graph(cell)))).run()


def looped(made: Graph) -> Graph:
    """A graph in which a state's new value goes into the state's box, and its old one comes out."""
    new = {node.key.removeprefix("leave "): node.operands for node in made.of_kind("leave")}
    nodes = {
        key: replace(node, kind="state", operands=new[key.removeprefix("enter ")])
        if node.kind == "enter"
        else node
        for key, node in made.nodes.items()
        if node.kind != "leave"
    }
    return Graph(made.cell, nodes)


class _LoopPen(Pen):
    def __init__(self, cell: Cell, routes: Routes):
        super().__init__(cell, routes)
        usual = graph(cell)
        self.roles, self.lines = roles(usual), line_roles(usual)

    def title(self) -> str:
        return f"{self.cell.title}: one step, with the states as boxes"

    def sides(self) -> tuple[float, float]:
        """The outline is drawn around all columns: nothing enters at the sides."""
        columns = self.places.x.values()
        return min(columns) - MARGIN, max(columns) + MARGIN

    def size(self, node: Node) -> tuple[float, float]:
        if node.kind == "state":
            return max(52.0, label.width(self.written(node), SMALL + 2) + 18), 34.0
        return super().size(node)

    def written(self, node: Node) -> str:
        if node.kind == "state":
            name = self.labels.names[node.names[0].name]
            return self.labels.named(replace(name, step=""))
        return super().written(node)

    def strokes(self) -> Iterator[Stroke]:
        for stroke in super().strokes():
            is_old = self.graph.nodes[stroke.ends[0]].kind == "state"
            yield replace(stroke, role=f"{stroke.role} old") if is_old else stroke

    def inner_words(self) -> Iterator[tuple[Text, Way, tuple[Position, ...]]]:
        """The usual words, and at each state what comes out of its box."""
        yield from super().inner_words()
        for node in self.graph.of_kind("state"):
            way = next((way for way in self.routes.ways if way.source == node.key), None)
            if way is not None:
                yield (self.labels.symbol(node.names[0]),), way, self.corners(way)

    def outer_words(self) -> Iterator[Word]:
        """What enters and leaves, and at every node the number of its turn."""
        yield from super().outer_words()
        for number, node in enumerate(self.graph.of_kind("layer", "operation"), start=1):
            (x, y), (width, height) = self.middle(node.key), self.sizes[node.key]
            text = str(number)
            wide = label.width(text, SMALL - 2)
            corner = x + width / 2 - 1, y + height / 2 + 9
            yield Word(*corner, wide, text, "turn", (), SMALL - 2)
