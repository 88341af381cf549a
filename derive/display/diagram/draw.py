"""From ways on a grid to a scene: places, sizes, roles, arrow heads and labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from derive.adjoint import adjoint
from derive.cell import Cell
from derive.display.derivation import textbook
from derive.display.diagram import label
from derive.display.diagram.arrange import arranged
from derive.display.diagram.arrow import covered
from derive.display.diagram.graph import Node
from derive.display.diagram.label import Labels
from derive.display.diagram.roles import line_roles, roles
from derive.display.diagram.route import Routes, Way
from derive.display.diagram.scene import Area, Box, Dot, Position, Scene, Stroke, Word
from derive.display.diagram.search import Points
from derive.display.diagram.told import Told
from derive.display.diagram.tracks import APART, PORT, places
from derive.nodes import axes_of, own

TYPE, SMALL = 15.0, 12.0  # sizes of type: names, and what is written on nodes
ROUND, BOX = 22.0, 30.0  # the height of an operation and of a layer
MARGIN = 24.0
ATTEMPTS = 100  # how often more room is asked for, for each line
USUAL = 12  # how often it is asked for beside a line as usual, before its neighbours move as well
SPREAD = 6.0  # how much further apart the ports in a column are put at a time
MERGE = 9.0  # how far a line runs on where it has joined another
SIGNS = {"*": "×", "sigmoid": "σ", "maximum": "max", "absolute": "|·|", "1 -": "1 −", "-": "−"}
SIGNS |= {"1 /": "1/", "square": "( )²", "sqrt": "√", "sum": "Σ", "deviation": "std"}
SIGNS |= {"log_sigmoid": "log σ", "floor": "⌊·⌋", "choose": "where", "stop_gradient": "sg"}
SIGNS |= {"outer": "⊗", "apply": "@"}
MINUS = "−"
LEADING = 1.35  # from one line of writing to the next, in the size of its type

Text = tuple[str, ...]  # a label's lines


def scene(cell: Cell, routes: Routes | None = None) -> Scene:
    """The picture of a cell: what it computes, in the direction in which it does; on an
    arrangement that is there already, or on one made for it."""
    return Pen(cell, routes or arranged(cell)).run()


class Pen:
    """Draws a cell, whose graph is laid out. What its lines say and where they point to is a
    subclass's to change."""

    def __init__(self, cell: Cell, routes: Routes):
        self.cell, self.routes = cell, routes
        self.graph = routes.graph
        self.roles = roles(self.graph)
        self.lines = line_roles(self.graph)
        book = textbook(adjoint(cell))
        self.labels, self.told = Labels(book), Told(book)
        self.sizes = {node.key: self.size(node) for node in self.graph.nodes.values()}
        self.room = {key: self.room_of(key) for key in self.sizes}
        self.wider: defaultdict[int, float] = defaultdict(float)
        self.taller: defaultdict[int, float] = defaultdict(float)
        self.spread: defaultdict[int, float] = defaultdict(float)  # of the ports in a column
        self.asked: Counter[tuple[int, ...]] = Counter()  # how often room was, along some points
        self.refused: Counter[str] = Counter()  # how often what is written has found no room

    def run(self) -> Scene:
        for _ in range(ATTEMPTS * len(self.routes.ways)):
            self.places = places(self.routes, self.room, self.wider, self.taller, self.spread)
            made = self.drawn()
            if made is not None:
                return made
        raise AssertionError("a label finds no room")

    def drawn(self) -> Scene | None:
        """The scene, or None where a label needs room, which then is asked for."""
        boxes = tuple(self.boxes())
        strokes = tuple(self.strokes())
        words = list(self.outer_words())
        for text, way, points in self.inner_words():
            found = self.free_words(text, way, points, boxes, strokes, words)
            if found is None:
                self.ask(way, points)
                self.refused.update(text)
                return None
            words += found
        return Scene(
            width=0.0,
            height=0.0,
            frames=(self.frame(),),
            boxes=boxes,
            strokes=strokes,
            dots=tuple(self.dots()),
            crossings=tuple(self.crossings(strokes)),
            words=tuple(words),
            name=self.cell.name,
            title=self.title(),
            about=self.told.picture(self.graph),
        ).trimmed()

    def title(self) -> str:
        """The picture's title."""
        return f"{self.cell.title}: one step"

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
        for node in self.graph.of_kind("layer", "operation", "state"):
            (x, y), (width, height) = self.middle(node.key), self.sizes[node.key]
            yield Box(
                node.key,
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
        rows = [self.middle(node.key)[1] for node in self.graph.of_kind("input", "output")]
        left, right = self.sides()
        return Area(left, min(rows) + MARGIN, right, max(rows) - MARGIN)

    def sides(self) -> tuple[float, float]:
        """The left and the right side of the outline: inside of where states enter and leave."""
        places = [self.middle(node.key)[0] for node in self.graph.of_kind("enter", "leave")]
        return min(places) + MARGIN, max(places) - MARGIN

    # lines

    def strokes(self) -> Iterator[Stroke]:
        for way in self.routes.ways:
            node = self.graph.nodes[way.source]
            yield Stroke(
                self.corners(self.whole(way)),
                self.line(way),
                tuple(map(str, node.names)),
                self.heads(way, self.corners(way)),
                (way.source, way.target),
            )

    def line(self, way: Way) -> str:
        """The role of a line, and whether it carries a matrix."""
        node = self.graph.nodes[way.source]
        value = node.names[0] if node.names else node.expr
        is_matrix = node.kind != "merge" and len(own(axes_of(value))) > 1
        return self.lines[way.source] + " matrix" * is_matrix

    def heads(
        self, way: Way, points: tuple[Position, ...]
    ) -> tuple[tuple[Position, Position], ...]:
        """The arrow heads of a line: at its end, unless it joins another there."""
        if self.graph.nodes[way.target].kind == "merge":
            return ()
        return ((points[-1], points[-2]),)

    def whole(self, way: Way) -> Way:
        """A way from its node on, along the line that it leaves."""
        points = way.points
        while self.routes.grid.bodies.get(points[0]) != way.source:
            trunk = next(
                other.points
                for other in self.routes.ways
                if other.source == way.source and points[0] in other.points[1:]
            )
            points = trunk[: trunk.index(points[0])] + points
        return replace(way, points=points)

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
                            far = 7 if "matrix" in other.role else 5
                            yield replace(one, points=((x, v - far), (x, v + far)), heads=())

    # words

    def outer_words(self) -> Iterator[Word]:
        """The names of what enters and leaves."""
        for node in self.graph.of_kind("enter", "leave", "input", "output"):
            text = self.outer_text(node)
            x, y = self.middle(node.key)
            width = label.width(text, TYPE)
            place = {
                "enter": (x - 6 - width, y + 5),
                "leave": (x + 6, y + 5),
                "input": (x - width / 2, y + TYPE + 2),
                "output": (x - width / 2, y - 9),
            }[node.kind]
            names = (str(node.names[0]),)
            yield Word(*place, width, text, self.lines[node.key], names, TYPE, is_end=True)

    def outer_text(self, node: Node) -> str:
        """What enters or leaves."""
        return self.labels.symbol(node.names[0])

    def inner_words(self) -> Iterator[tuple[Text, Way, tuple[Position, ...]]]:
        """What is written beside lines: each with the line, and the points along which there may be
        room, the best place first."""
        new = set(self.cell.updates.values())
        for node in self.graph.of_kind("layer", "operation"):
            for name in [name for name in node.names if name not in new][:1]:
                way = next(way for way in self.routes.ways if way.source == node.key)
                yield (self.labels.symbol(name),), way, self.corners(way)
        for way in self.routes.ways:
            if way.operand.negated:
                yield (MINUS,), way, self.corners(way)[::-1]

    def free_words(
        self,
        text: Text,
        way: Way,
        points: tuple[Position, ...],
        boxes: Iterable[Box],
        strokes: Iterable[Stroke],
        words: Iterable[Word],
    ) -> list[Word] | None:
        """A label in the first place that is free, one line of writing below the other."""
        size = TYPE - 1
        widths = [label.width(line, size) for line in text]
        high = (len(text) - 1) * LEADING * size
        names = tuple(map(str, self.graph.nodes[way.source].names))
        lines = [*self.frame().sides]
        lines += [segment for stroke in strokes for segment in stroke.segments]
        heads = [area for stroke in strokes for area in covered(stroke)]
        for x, y in _beside(points, max(widths), size, high):
            made = [
                Word(x, y + n * LEADING * size, width, line, "line", names, size)
                for n, (line, width) in enumerate(zip(text, widths, strict=True))
            ]
            areas = [word.area for word in made]
            if (
                not any(area.meets(box.area, 1) for area in areas for box in boxes)
                and not any(area.meets(segment, 2) for area in areas for segment in lines)
                and not any(area.meets(head, 1) for area in areas for head in heads)
                and not any(area.meets(other.area, 3) for area in areas for other in words)
                and (text != (MINUS,) or _is_nearest(areas[0], points[0], strokes))
            ):
                return made
        return None

    def ask(self, way: Way, points: tuple[Position, ...]) -> None:
        """Ask for more room beside a way, where a label along these points would begin. What has
        been asked for in vain is given back, and then asked for on both sides."""
        ends = way.points if points == self.corners(way) else way.points[::-1]
        self.asked[ends] += 1
        if self.asked[ends] <= USUAL:
            self.ask_ahead(ends, points)
            return
        if self.asked[ends] == USUAL + 1:
            self.ask_ahead(ends, points, -USUAL)
        self.ask_around(ends, points)

    def ask_ahead(self, ends: Points, points: tuple[Position, ...], times: int = 1) -> None:
        """Ask for a longer line, and for room on the right of one that is upright."""
        self.ask_along(ends, points, times)
        if points[0][0] == points[1][0]:
            self.wider[self.routes.grid.at(ends[0])[1] + 1] += 12 * times

    def ask_around(self, ends: Points, points: tuple[Position, ...]) -> None:
        """Ask for a longer line, and for room that grows wherever its neighbours run: those at the
        ports beside it are as near to it all the way, however much there is beyond them."""
        self.ask_along(ends, points, 1)
        row, column = self.routes.grid.at(ends[0])
        if points[0][0] != points[1][0]:
            self.taller[row - 1] += 6
            self.taller[row] += 6
            return
        node = self.routes.grid.bodies[ends[0]]
        aside = ends[0] - self.routes.grid.centres[node]
        if aside:
            self.wider[column if aside > 0 else column - 1] += 12
        else:
            self.spread_ports(self.routes.grid.placement.column[node])

    def ask_along(self, ends: Points, points: tuple[Position, ...], times: int) -> None:
        """Ask for a longer line."""
        row, column = self.routes.grid.at(ends[0])
        if points[0][0] == points[1][0]:
            self.taller[row - 1 if points[1][1] < points[0][1] else row] += 6 * times
        else:
            self.wider[column - 1 if points[1][0] < points[0][0] else column] += 16 * times

    def spread_ports(self, column: int) -> None:
        """Put the ports in a column further apart, and so widen the boxes that have them."""
        self.spread[column] += SPREAD
        for key in self.routes.grid.placement.columns[column]:
            if self.graph.nodes[key].kind == "layer":
                width, height = self.sizes[key]
                least = 2 * (PORT + self.spread[column]) + APART
                self.sizes[key] = self.room[key] = max(width, least), height


def _is_nearest(sign: Area, tip: Position, strokes: Iterable[Stroke]) -> bool:
    """Whether a sign is nearer to the arrow head that it belongs to than to any other."""
    others = (other for stroke in strokes for other, _ in stroke.heads if other != tip)
    return all(sign.away(tip) < sign.away(other) for other in others)


def _beside(
    points: tuple[Position, ...], width: float, size: float, high: float
) -> Iterator[Position]:
    """Places for a label along a line, from where it begins: of its first line of writing, from
    which it is so far to its last."""
    for (x, y), (x2, y2) in pairwise(points):
        if x == x2:
            step = 4 if y2 > y else -4
            for n in range(1 + int(abs(y2 - y)) // 4):
                for left in (x + 4, x - 7 - width):
                    yield left, y + n * step + (size if y2 > y else -2 - high)
        else:
            step = 4 if x2 > x else -4
            for n in range(1 + int(abs(x2 - x)) // 4):
                for below in (-6.0 - high, size + 1):
                    yield x + n * step + (3 if x2 > x else -3 - width), y + below
