"""What a picture consists of, in no language of pictures: shapes with places, roles and names.

Lengths are in points, x to the right and y downwards. A role says what a thing is in the cell, and
a target gives it its colour: memory, hidden, input, gate, candidate, layer, operation, line. Names
are those of the quantities that a shape stands for, by which a page finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Position = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A node: its middle, its size, and what is written on it. A round one is an operation."""

    x: float
    y: float
    width: float
    height: float
    label: str
    role: str
    names: tuple[str, ...]
    about: str
    round: bool

    @property
    def area(self) -> Area:
        """The area that it covers."""
        w, h = self.width / 2, self.height / 2
        return Area(self.x - w, self.y - h, self.x + w, self.y + h)


@dataclass(frozen=True)
class Stroke:
    """A line from place to place, with corners at its points.

    heads  arrow heads: the tip, and where it points to
    """

    points: tuple[Position, ...]
    role: str
    names: tuple[str, ...]
    heads: tuple[tuple[Position, Position], ...] = ()

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

    @property
    def area(self) -> Area:
        """The area that it covers, with its subscripts."""
        return Area(
            self.x, self.y - 0.78 * self.size, self.x + self.width, self.y + 0.36 * self.size
        )


@dataclass(frozen=True)
class Dot:
    """Where a line branches."""

    x: float
    y: float
    role: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Area:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area, apart: float = 0.0) -> bool:
        """Whether two areas are closer than that."""
        return (
            self.left < other.right + apart
            and other.left < self.right + apart
            and self.top < other.bottom + apart
            and other.top < self.bottom + apart
        )


@dataclass(frozen=True)
class Scene:
    """A whole picture.

    frame      the cell's outline
    crossings  where a line runs over another: the middle of the part that is drawn on top
    """

    width: float
    height: float
    frame: Area
    boxes: tuple[Box, ...]
    strokes: tuple[Stroke, ...]
    dots: tuple[Dot, ...]
    crossings: tuple[Stroke, ...]
    words: tuple[Word, ...]
    name: str
    title: str
    about: str
