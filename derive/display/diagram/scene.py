"""What a picture consists of, in no language of pictures: shapes with places, roles and names.

Lengths are in points, x to the right and y downwards. A role says what a thing is in the cell, and
a target gives it its colour: memory, hidden, output, input, gate, candidate, fixed, layer,
operation, line. Names are those of the quantities that a shape stands for, by which a page finds
it. A mark makes it stand out: "lit", "dim", "changed", or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from derive.display.diagram.label import rise

Position = tuple[float, float]

MARGIN = 12.0  # around a picture


@dataclass(frozen=True)
class Box:
    """A node: its middle, its size, and what is written on it. A round one is an operation."""

    key: str
    x: float
    y: float
    width: float
    height: float
    label: str
    role: str
    names: tuple[str, ...]
    about: str
    round: bool
    mark: str = ""

    @property
    def area(self) -> Area:
        """The area that it covers."""
        w, h = self.width / 2, self.height / 2
        return Area(self.x - w, self.y - h, self.x + w, self.y + h)


@dataclass(frozen=True)
class Stroke:
    """A line from place to place, with corners at its points.

    heads  arrow heads: the tip, and a place behind it
    ends   the keys of the node that it comes from and of the one that it leads to
    """

    points: tuple[Position, ...]
    role: str
    names: tuple[str, ...]
    heads: tuple[tuple[Position, Position], ...] = ()
    ends: tuple[str, str] = ("", "")
    mark: str = ""

    @property
    def segments(self) -> Iterator[Area]:
        """Its straight parts, as areas without a breadth."""
        for (x, y), (x2, y2) in zip(self.points, self.points[1:], strict=False):
            yield Area(min(x, x2), min(y, y2), max(x, x2), max(y, y2))


@dataclass(frozen=True)
class Word:
    """A label: where its text begins on its line of writing, how wide it is about."""

    x: float
    y: float
    width: float
    text: str
    role: str
    names: tuple[str, ...]
    size: float
    mark: str = ""
    is_end: bool = False  # what enters or leaves

    @property
    def area(self) -> Area:
        """The area that it covers, with its subscripts."""
        return Area(
            self.x,
            self.y - rise(self.text) * self.size,
            self.x + self.width,
            self.y + 0.36 * self.size,
        )


@dataclass(frozen=True)
class Dot:
    """Where a line branches."""

    x: float
    y: float
    role: str
    names: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True)
class Area:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def sides(self) -> tuple[Area, ...]:
        """Its four sides, as areas without a breadth."""
        return (
            Area(self.left, self.top, self.left, self.bottom),
            Area(self.right, self.top, self.right, self.bottom),
            Area(self.left, self.top, self.right, self.top),
            Area(self.left, self.bottom, self.right, self.bottom),
        )

    def meets(self, other: Area, apart: float = 0.0) -> bool:
        """Whether two areas are closer than that."""
        return (
            self.left < other.right + apart
            and other.left < self.right + apart
            and self.top < other.bottom + apart
            and other.top < self.bottom + apart
        )

    def away(self, place: Position) -> float:
        """How far a place is from it, across and down together."""
        x, y = place
        across = max(self.left - x, x - self.right, 0.0)
        return across + max(self.top - y, y - self.bottom, 0.0)


Shape = TypeVar("Shape", Box, Word, Dot)


@dataclass(frozen=True)
class Scene:
    """A whole picture.

    frames     the outlines of cells
    crossings  where a line runs over another: the middle of the part that is drawn on top
    """

    width: float
    height: float
    frames: tuple[Area, ...]
    boxes: tuple[Box, ...]
    strokes: tuple[Stroke, ...]
    dots: tuple[Dot, ...]
    crossings: tuple[Stroke, ...]
    words: tuple[Word, ...]
    name: str
    title: str
    about: str

    @property
    def has_matrices(self) -> bool:
        """Whether a line carries a matrix."""
        return any("matrix" in stroke.role for stroke in self.strokes)

    @property
    def areas(self) -> Iterator[Area]:
        """What its parts cover."""
        yield from self.frames
        yield from (box.area for box in self.boxes)
        yield from (word.area for word in self.words)
        yield from (segment for stroke in self.strokes for segment in stroke.segments)

    def trimmed(self) -> Scene:
        """The same, with its corner at the origin and a margin around it."""
        areas = list(self.areas)
        left, top = min(a.left for a in areas) - MARGIN, min(a.top for a in areas) - MARGIN
        right, bottom = max(a.right for a in areas) + MARGIN, max(a.bottom for a in areas) + MARGIN
        moved = self.moved(-left, -top)
        return replace(moved, width=round(right - left, 1), height=round(bottom - top, 1))

    def moved(self, dx: float, dy: float) -> Scene:
        """The same elsewhere."""

        def at(place: Position) -> Position:
            return round(place[0] + dx, 2), round(place[1] + dy, 2)

        def stroke(s: Stroke) -> Stroke:
            heads = tuple((at(tip), at(back)) for tip, back in s.heads)
            return replace(s, points=tuple(map(at, s.points)), heads=heads)

        def shape(s: Shape) -> Shape:
            x, y = at((s.x, s.y))
            return replace(s, x=x, y=y)

        def area(a: Area) -> Area:
            return Area(*at((a.left, a.top)), *at((a.right, a.bottom)))

        return replace(
            self,
            frames=tuple(map(area, self.frames)),
            boxes=tuple(map(shape, self.boxes)),
            strokes=tuple(map(stroke, self.strokes)),
            dots=tuple(map(shape, self.dots)),
            crossings=tuple(map(stroke, self.crossings)),
            words=tuple(map(shape, self.words)),
        )
