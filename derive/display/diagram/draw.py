"""From ways on a grid to a scene: places, sizes, roles, arrow heads and labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from derive.adjoint import adjoint
from derive.cell import Cell
from derive.display.derivation import textbook
from derive.display.diagram import label
from derive.display.diagram.arrange import arrange
from derive.display.diagram.graph import Graph, Node, graph
from derive.display.diagram.label import Labels
from derive.display.diagram.roles import line_roles, roles
from derive.display.diagram.route import Routes, Way
from derive.display.diagram.scene import Area, Box, Dot, Position, Scene, Stroke, Word
from derive.display.diagram.told import Told
from derive.display.diagram.tracks import places

TYPE, SMALL = 15.0, 12.0  # sizes of type: names, and what is written on nodes
ROUND, BOX = 22.0, 30.0  # the height of an operation and of a layer
MARGIN = 24.0
TRIES = 100  # how often room for a label is asked for
MERGE = 9.0  # how far a line runs on where it has joined another
SIGNS = {"*": "×", "sigmoid": "σ", "maximum": "max", "absolute": "|·|", "1 -": "1 −", "-": "−"}
SIGNS |= {"1 /": "1/", "square": "( )²", "sqrt": "√", "sum": "Σ", "deviation": "std"}


def scene(cell: Cell) -> Scene:
    """The picture of a cell."""
    return Drawing(cell).run()


class Drawing:
    def __init__(self, cell: Cell):
        self.cell = cell
        self.graph: Graph = graph(cell)
        self.routes: Routes = arrange(self.graph)
        self.roles = roles(self.graph)
        self.lines = line_roles(self.graph)
        book = textbook(adjoint(cell))
        self.labels, self.told = Labels(book), Told(book)
        self.sizes = {node.key: self.size(node) for node in self.graph.nodes.values()}
        self.room = {key: self.room_of(key) for key in self.sizes}
        self.wider: defaultdict[int, float] = defaultdict(float)
        self.taller: defaultdict[int, float] = defaultdict(float)

    def run(self) -> Scene:
        for _ in range(TRIES):
            self.places = places(self.routes, self.room, self.wider, self.taller)
            made = self.drawn()
            if made is not None:
                return made
        raise AssertionError("a label finds no room")

    def drawn(self) -> Scene | None:
        """The scene, or None where a label needs room, which then is asked for."""
        boxes = tuple(self.boxes())
        strokes = tuple(self.strokes())
        frame = self.frame()
        words = list(self.outer_words())
        for node in self.graph.nodes.values():
            for text, way, points in (*self.inner_words(node), *self.signs(node)):
                word = self.free_word(text, node, points, boxes, strokes, words)
                if word is None:
                    self.ask(way, text)
                    return None
                words.append(word)
        return self.shifted(
            Scene(
                0.0,
                0.0,
                frame,
                boxes,
                strokes,
                tuple(self.dots()),
                tuple(self.crossings(strokes)),
                tuple(words),
                self.cell.name,
                f"{self.cell.title}: one step",
                self.told.picture(self.graph),
            )
        )

    def shifted(self, made: Scene) -> Scene:
        """The scene with its corner at the origin."""
        areas = [w.area for w in made.words] + [made.frame]
        left, top = min(a.left for a in areas) - MARGIN / 2, min(a.top for a in areas) - MARGIN / 2
        right, bottom = max(a.right for a in areas), max(a.bottom for a in areas)
        return moved(made, -left, -top, right - left + MARGIN / 2, bottom - top + MARGIN / 2)

    # nodes

    def size(self, node: Node) -> tuple[float, float]:
        if node.kind == "layer":
            return max(44.0, label.width(self.written(node), SMALL + 2) + 16), BOX
        if node.kind == "operation":
            return max(ROUND, label.width(self.written(node), SMALL) + 12), ROUND
        return 0.0, 0.0

    def room_of(self, key: str) -> tuple[float, float]:
        """What a node takes; what enters and leaves keeps the outline away from the inner ones."""
        kind = self.graph.nodes[key].kind
        if kind in {"enter", "leave"}:
            return 2 * MARGIN + 4, 0.0
        return (0.0, 2 * MARGIN - 8) if kind in {"input", "output"} else self.sizes[key]

    def written(self, node: Node) -> str:
        if node.kind == "layer":
            return " ".join(SIGNS.get(word, word) for word in node.label.split())
        if node.label == "affine":
            line = node.operands[0].expr
            if (node.expr - line).is_Symbol:
                return f"+ {self.labels(node.expr - line)}"
            if (node.expr / line).is_Symbol:
                return f"{self.labels(node.expr / line)} ∘"
        return SIGNS.get(node.label, node.label)

    def middle(self, key: str) -> Position:
        return self.places.at(self.routes.grid.centres[key])

    def boxes(self) -> Iterator[Box]:
        for node in self.graph.of_kind("layer", "operation"):
            (x, y), (width, height) = self.middle(node.key), self.sizes[node.key]
            yield Box(
                x,
                y,
                width,
                height,
                self.written(node),
                self.roles[node.key],
                tuple(map(str, node.names)),
                self.told.node(node),
                node.kind == "operation",
            )

    def frame(self) -> Area:
        """The outline: lines enter on the left and from below, and leave on the right and above."""
        ends = [
            self.middle(node.key)
            for node in self.graph.of_kind("enter", "leave", "input", "output")
        ]
        (left, *_, right), (top, *_, bottom) = (sorted(side) for side in zip(*ends, strict=True))
        return Area(left + MARGIN, top + MARGIN, right - MARGIN, bottom - MARGIN)

    # lines

    def strokes(self) -> Iterator[Stroke]:
        for way in self.routes.ways:
            node = self.graph.nodes[way.source]
            points = self.corners(way)
            heads: tuple[tuple[Position, Position], ...] = ()
            if self.graph.nodes[way.target].kind != "merge":
                heads = ((points[-1], points[-2]),)
            yield Stroke(points, self.lines[way.source], tuple(map(str, node.names)), heads)

    def corners(self, way: Way) -> tuple[Position, ...]:
        """The points at which a way turns, and its ends, at the edges of nodes."""
        points = [self.places.at(point) for point in way.corners]
        points[0] = self.edge(way.source, way.points[0], points[0], points[1])
        points[-1] = self.edge(way.target, way.points[-1], points[-1], points[-2])
        if self.graph.nodes[way.target].kind == "merge" and points[-1][0] == points[-2][0]:
            points.append((points[-1][0] + MERGE, points[-1][1]))
        return tuple(points)

    def edge(self, key: str, point: int, place: Position, towards: Position) -> Position:
        """Where a line that ends in a node meets its edge."""
        if self.routes.grid.bodies.get(point) != key:
            return place
        (x, y), (width, height) = self.middle(key), self.sizes[key]
        if place[1] == towards[1]:
            return x + (width / 2 if towards[0] > x else -width / 2), y
        return place[0], y + (height / 2 if towards[1] > y else -height / 2)

    def dots(self) -> Iterator[Dot]:
        """Where lines branch."""
        for way in self.routes.ways:
            if way.points[0] not in self.routes.grid.bodies:
                x, y = self.places.at(way.points[0])
                names = tuple(map(str, self.graph.nodes[way.source].names))
                yield Dot(x, y, self.lines[way.source], names)

    def crossings(self, strokes: tuple[Stroke, ...]) -> Iterator[Stroke]:
        """The short parts of vertical lines that run over horizontal ones."""
        for one in strokes:
            for (x, y), (x2, y2) in pairwise(one.points):
                if x != x2:
                    continue
                for other in strokes:
                    for (u, v), (u2, _) in pairwise(other.points):
                        if min(u, u2) < x < max(u, u2) and min(y, y2) < v < max(y, y2):
                            yield replace(one, points=((x, v - 5), (x, v + 5)), heads=())

    # words

    def outer_words(self) -> Iterator[Word]:
        """The names of what enters and leaves."""
        for node in self.graph.of_kind("enter", "leave", "input", "output"):
            text = self.labels.symbol(node.names[0])
            x, y = self.middle(node.key)
            width = label.width(text, TYPE)
            place = {
                "enter": (x - 6 - width, y + 5),
                "leave": (x + 6, y + 5),
                "input": (x - width / 2, y + TYPE + 2),
                "output": (x - width / 2, y - 9),
            }[node.kind]
            yield Word(*place, width, text, self.lines[node.key], (str(node.names[0]),), TYPE)

    def inner_words(self, node: Node) -> Iterator[tuple[str, Way, tuple[Position, ...]]]:
        """The name of what a node computes, beside the line that leaves it."""
        new = set(self.cell.updates.values())
        if node.kind in {"layer", "operation"}:
            for name in [name for name in node.names if name not in new][:1]:
                way = next(way for way in self.routes.ways if way.source == node.key)
                yield self.labels.symbol(name), way, self.corners(way)

    def signs(self, node: Node) -> Iterator[tuple[str, Way, tuple[Position, ...]]]:
        """A minus where a line arrives that is subtracted."""
        negated = {operand.source for operand in node.operands if operand.negated}
        for way in self.routes.ways:
            if way.target == node.key and way.source in negated:
                yield "−", way, self.corners(way)[::-1]

    def free_word(
        self,
        text: str,
        node: Node,
        points: tuple[Position, ...],
        boxes: Iterable[Box],
        strokes: Iterable[Stroke],
        words: Iterable[Word],
    ) -> Word | None:
        """A label in the first place that is free."""
        size = TYPE - 1
        width = label.width(text, size)
        lines = [segment for stroke in strokes for segment in stroke.segments]
        for x, y in _beside(points, width, size):
            word = Word(x, y, width, text, "line", tuple(map(str, node.names)), size)
            area = word.area
            if (
                not any(area.meets(box.area, 1) for box in boxes)
                and not any(area.meets(segment, 2) for segment in lines)
                and not any(area.meets(other.area, 2) for other in words)
            ):
                return word
        return None

    def ask(self, way: Way, text: str) -> None:
        """Ask for more room beside a way."""
        row, column = divmod(way.points[0], self.routes.grid.width)
        self.wider[column + 1] += max(12, label.width(text, TYPE) / 4)
        self.taller[row - 1] += 4


def _beside(points: tuple[Position, ...], width: float, size: float) -> Iterator[Position]:
    """Places for a label along a line, from where it begins."""
    for (x, y), (x2, y2) in pairwise(points):
        if x == x2:
            step = 4 if y2 > y else -4
            for n in range(1 + int(abs(y2 - y)) // 4):
                for left in (x + 4, x - 4 - width):
                    yield left, y + n * step + (size if y2 > y else -2)
        else:
            step = 4 if x2 > x else -4
            for n in range(1 + int(abs(x2 - x)) // 4):
                for below in (-6.0, size + 1):
                    yield x + n * step + (3 if x2 > x else -3 - width), y + below


def moved(made: Scene, dx: float, dy: float, width: float, height: float) -> Scene:
    """A scene elsewhere, of a size."""

    def at(p: Position) -> Position:
        return round(p[0] + dx, 2), round(p[1] + dy, 2)

    def stroke(s: Stroke) -> Stroke:
        return replace(
            s, points=tuple(map(at, s.points)), heads=tuple((at(a), at(b)) for a, b in s.heads)
        )

    frame = made.frame
    return replace(
        made,
        width=round(width, 1),
        height=round(height, 1),
        frame=Area(*at((frame.left, frame.top)), *at((frame.right, frame.bottom))),
        boxes=tuple(replace(b, x=at((b.x, b.y))[0], y=at((b.x, b.y))[1]) for b in made.boxes),
        strokes=tuple(map(stroke, made.strokes)),
        dots=tuple(replace(d, x=at((d.x, d.y))[0], y=at((d.x, d.y))[1]) for d in made.dots),
        crossings=tuple(map(stroke, made.crossings)),
        words=tuple(replace(w, x=at((w.x, w.y))[0], y=at((w.x, w.y))[1]) for w in made.words),
    )
