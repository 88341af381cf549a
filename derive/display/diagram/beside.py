"""Two cells side by side, with what differs marked in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.cell import Cell
from derive.display.compare.difference import difference
from derive.display.diagram import label
from derive.display.diagram.arrange import arranged
from derive.display.diagram.draw import TYPE, Pen
from derive.display.diagram.graph import Graph, Node
from derive.display.diagram.scene import Box, Scene, Stroke, Word

APART = 36.0


def beside(left: Cell, right: Cell) -> Scene:
    """Both pictures; what the other does not have is marked: nodes by what they compute and are
    called, lines by what they connect."""
    pens = [Pen(cell, arranged(cell)) for cell in (left, right)]
    calls = _Calls(pens[0].graph, difference(left, right).renamed), _Calls(pens[1].graph, {})
    scenes = [
        _titled(_marked(pen.run(), own, other), pen.cell.name)
        for pen, own, other in zip(pens, calls, calls[::-1], strict=True)
    ]
    height = max(made.height for made in scenes)
    one, two = (made.moved(0.0, height - made.height) for made in scenes)
    return _joined(one, two.moved(one.width + APART, 0.0), one.width + APART + two.width, height)


class _Calls:
    """What nodes are called: by their quantity, or else by what they make of others."""

    def __init__(self, graph: Graph, renamed: Mapping[str, str]):
        self.graph, self.renamed = graph, renamed
        self.of = {key: self.called(key) for key in graph.nodes}
        self.nodes = {(node.kind, node.label, self.of[key]) for key, node in graph.nodes.items()}
        self.lines = {
            self.line(o.source, key) for key, n in graph.nodes.items() for o in n.operands
        }

    def called(self, key: str) -> str:
        node = self.graph.nodes[key]
        if node.names and node.kind in {"layer", "operation"}:
            name = str(node.names[0])
            return self.renamed.get(name, name)
        read = sorted(self.called(operand.source) for operand in node.operands)
        return f"{node.label}({', '.join(read)})" if node.kind == "operation" else key

    def line(self, source: str, target: str) -> tuple[str, str]:
        return self.of[source], self.of[target]

    def is_known(self, node: Node, called: str) -> bool:
        """Whether these equations have such a node, too."""
        return (node.kind, node.label, called) in self.nodes


def _marked(made: Scene, own: _Calls, other: _Calls) -> Scene:
    """A scene with marks on what the other one does not have."""

    def box(b: Box) -> Box:
        is_known = other.is_known(own.graph.nodes[b.key], own.of[b.key])
        return replace(b, mark="" if is_known else "changed")

    def stroke(s: Stroke) -> Stroke:
        return replace(s, mark="" if own.line(*s.ends) in other.lines else "changed")

    return replace(
        made,
        boxes=tuple(map(box, made.boxes)),
        strokes=tuple(sorted(map(stroke, made.strokes), key=lambda s: s.mark)),
        crossings=tuple(map(stroke, made.crossings)),
    )


def _titled(made: Scene, title: str) -> Scene:
    """A scene with its name above it."""
    word = Word(
        made.frames[0].left,
        -4.0,
        label.width(title, TYPE),
        title,
        "title",
        (),
        TYPE,
    )
    return replace(made, words=(*made.words, word)).trimmed()


def _joined(one: Scene, two: Scene, width: float, height: float) -> Scene:
    return Scene(
        width=width,
        height=height,
        frames=(*one.frames, *two.frames),
        boxes=(*one.boxes, *two.boxes),
        strokes=(*one.strokes, *two.strokes),
        dots=(*one.dots, *two.dots),
        crossings=(*one.crossings, *two.crossings),
        words=(*one.words, *two.words),
        name=f"{one.name}-{two.name}",
        title=f"{one.title}, beside {two.title}",
        about=f"{one.about} Beside it: {two.about}",
    )
