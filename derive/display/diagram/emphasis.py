"""One equation of a picture made to stand out; or each in turn, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from derive.cell import Cell, Equation
from derive.display.diagram import label
from derive.display.diagram.arrange import arranged
from derive.display.diagram.draw import TYPE, Pen
from derive.display.diagram.graph import Graph
from derive.display.diagram.scene import Scene, Stroke, Word
from derive.nodes import CellError


def highlighted(cell: Cell, name: str) -> Scene:
    """The picture of a cell with one equation lit, and written below it."""
    pen = Pen(cell, arranged(cell))
    names = [str(e.lhs) for e in shown(pen)]
    if name not in names:
        raise CellError(
            f"{cell.name} has no equation for `{name}`; it has them for {', '.join(names)}"
        )
    return _lit(pen, pen.run(), name)


def steps(cell: Cell) -> Iterator[tuple[str, Scene]]:
    """A picture for every equation, in the order of evaluation: the name of its quantity, and the
    picture with it lit."""
    pen = Pen(cell, arranged(cell))
    made = pen.run()
    for equation in shown(pen):
        yield str(equation.lhs), _lit(pen, made, str(equation.lhs))


def shown(pen: Pen) -> list[Equation]:
    """The cell's own equations that have a part of the picture."""
    drawn = {name for node in pen.graph.of_kind("layer", "operation") for name in node.names}
    return [equation for equation in pen.cell.equations if equation.lhs in drawn]


def _lit(pen: Pen, made: Scene, name: str) -> Scene:
    keys = parts(pen.graph, name)
    lit = marked(made, lambda key: "lit" if key in keys else "dim", keys)
    equation = next(e for e in pen.cell.equations if str(e.lhs) == name)
    left, right = pen.labels.sides(equation)
    below = _beneath(lit, f"{left} = {right}")
    return replace(below, title=f"{pen.cell.title}: {pen.told.equation(equation.lhs)}")


def parts(graph: Graph, name: str) -> set[str]:
    """The nodes that make up an equation: from the one that has its name, back to others that have
    one, with the merging of what they read."""
    wanted = [key for key, node in graph.nodes.items() if name in map(str, node.names)]
    wanted = [key for key in wanted if graph.nodes[key].kind in {"layer", "operation"}]
    found: set[str] = set()
    while wanted:
        key = wanted.pop()
        found.add(key)
        wanted += [
            operand.source
            for operand in graph.nodes[key].operands
            if graph.nodes[operand.source].kind in {"operation", "layer", "merge"}
            and not graph.nodes[operand.source].names
        ]
    return found


def marked(made: Scene, mark: Callable[[str], str], keys: set[str]) -> Scene:
    """A scene with a mark on every shape: on nodes by their key, on lines by where they lead."""

    def of(stroke: Stroke) -> Stroke:
        return replace(stroke, mark=mark(stroke.ends[1]))

    names = {name for box in made.boxes if box.key in keys for name in box.names}
    inside = mark(next(iter(keys))) if keys else ""
    outside = mark("")
    return replace(
        made,
        boxes=tuple(replace(box, mark=mark(box.key)) for box in made.boxes),
        strokes=tuple(sorted(map(of, made.strokes), key=lambda s: s.mark == inside)),
        crossings=tuple(map(of, made.crossings)),
        dots=tuple(replace(dot, mark=outside) for dot in made.dots),
        words=tuple(
            replace(word, mark=inside if names & {*word.names} else outside) for word in made.words
        ),
    )


def _beneath(made: Scene, text: str) -> Scene:
    """A scene with a line of writing in the middle below it."""
    wide = label.width(text, TYPE + 1)
    width = max(made.width, wide + 24)
    word = Word((width - wide) / 2, made.height + TYPE, wide, text, "note", (), TYPE + 1)
    return replace(made, width=width, height=made.height + 2 * TYPE, words=(*made.words, word))
