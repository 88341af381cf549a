"""The arrow heads of lines, and places on straight lines."""

from __future__ import annotations

from collections.abc import Iterator

from derive.display.diagram.scene import Area, Position, Stroke


def arrow(tip: Position, back: Position, role: str) -> tuple[Position, Position, Position]:
    """The corners of an arrow head; that of a matrix is wider, as its line is."""
    x, y = towards(tip, back, 12.0 if "matrix" in role else 7.0)
    across = (y - tip[1]) / 2, (tip[0] - x) / 2
    return tip, (x + across[0], y + across[1]), (x - across[0], y - across[1])


def covered(stroke: Stroke) -> Iterator[Area]:
    """What the arrow heads of a line cover."""
    for tip, back in stroke.heads:
        xs, ys = zip(*arrow(tip, back, stroke.role), strict=True)
        yield Area(min(xs), min(ys), max(xs), max(ys))


def length(one: Position, two: Position) -> float:
    """How long a straight line from one place to another is, across and down together."""
    return abs(one[0] - two[0]) + abs(one[1] - two[1])


def towards(one: Position, two: Position, far: float) -> Position:
    """A place on the straight line from one place to another."""
    share = far / (length(one, two) or 1.0)
    return one[0] + share * (two[0] - one[0]), one[1] + share * (two[1] - one[1])
