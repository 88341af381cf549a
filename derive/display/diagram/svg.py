"""A scene as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape

from derive.display.diagram.label import Run, runs
from derive.display.diagram.scene import Position, Scene
from derive.render import render

CORNER = 8.0
SPACE = 0.25  # a space between words, in the size of type


def svg(scene: Scene) -> str:
    """The text of an SVG file."""
    return render(
        "diagram/picture.svg.j2", scene=scene, path=path, head=head, runs=_runs, escape=escape
    )


def _runs(text: str) -> Iterator[tuple[Run, float, float]]:
    """The pieces of a label without their spaces, each with how far it lies above or below the
    last, and how far from it."""
    last, space = 0, 0.0
    for run in runs(text):
        for n, word in enumerate(run.text.split(" ")):
            space += SPACE * (n > 0)
            if word:
                yield replace(run, text=word), 0.3 * (last - run.level), space
                last, space = run.level, 0.0


def path(points: tuple[Position, ...]) -> str:
    """A line with round corners, as path data."""
    text = f"M{_pair(points[0])}"
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        short = min(CORNER, _length(before, at) / 2, _length(at, after) / 2)
        text += (
            f"L{_pair(_towards(at, before, short))}Q{_pair(at)} {_pair(_towards(at, after, short))}"
        )
    return f"{text}L{_pair(points[-1])}"


def head(tip: Position, back: Position, role: str) -> str:
    """The arrow head of a line, as path data."""
    return f"M{'L'.join(map(_pair, arrow(tip, back, role)))}Z"


def arrow(tip: Position, back: Position, role: str) -> tuple[Position, Position, Position]:
    """The corners of an arrow head; that of a matrix is wider, as its line is."""
    x, y = _towards(tip, back, 12.0 if "matrix" in role else 7.0)
    across = (y - tip[1]) / 2, (tip[0] - x) / 2
    return tip, (x + across[0], y + across[1]), (x - across[0], y - across[1])


def _length(one: Position, two: Position) -> float:
    return abs(one[0] - two[0]) + abs(one[1] - two[1])


def _towards(one: Position, two: Position, far: float) -> Position:
    """A place on the straight line from one place to another."""
    share = far / (_length(one, two) or 1.0)
    return one[0] + share * (two[0] - one[0]), one[1] + share * (two[1] - one[1])


def _pair(at: Position) -> str:
    return f"{at[0]:.4g} {at[1]:.4g}"
