"""A scene as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from derive.display.diagram.arrow import arrow, length, towards
from derive.display.diagram.label import is_high, runs, width
from derive.display.diagram.scene import Position, Scene
from derive.display.unicode import BAR
from derive.render import render

CORNER = 8.0
SPACE = 0.25  # a space between words, in the size of type
# A bar over a letter is a dash, which in nearly all fonts is half as long as its type is high: how
# long it is here, how far it is raised, and how far to the right, since the letter leans. Over a
# word there are as many as are about as long as that is.
LINE, RAISED, LEAN = 0.4, 0.6, 0.08


def svg(scene: Scene) -> str:
    """The text of an SVG file."""
    return render(
        "diagram/picture.svg.j2", scene=scene, path=path, head=head, pieces=pieces, escape=escape
    )


@dataclass(frozen=True)
class Piece:
    """Text in one form; lengths are in the size of the label's type.

    down, across  how far it is from where the last piece has ended
    """

    text: str
    italic: bool
    scale: float
    down: float
    across: float


def pieces(text: str) -> Iterator[Piece]:
    """The pieces of a label without their spaces. A bar over what is high is a piece of its
    own, since many fonts have it run through the letter; then the text goes on behind that."""
    level, down, across = 0, 0.0, 0.0
    for run in runs(text):
        for n, word in enumerate(run.text.split(" ")):
            across += SPACE * (n > 0)
            if word:
                scale = 0.72 if run.level else 1.0
                letters = word.replace(BAR, "") if is_high(word) else word
                down += 0.3 * (level - run.level)
                yield Piece(letters, run.italic, scale, down, across)
                level, down, across = run.level, 0.0, 0.0
                if letters != word:
                    wide = width(letters, scale)
                    long = wide if len(letters) > 1 else LINE * scale
                    count = max(1, round(long / (LINE * scale)))
                    back = (wide + long) / 2 - LEAN * scale * run.italic
                    yield Piece("–" * count, False, 2 * long / count, -RAISED * scale, -back)
                    down, across = RAISED * scale, back - long


def path(points: tuple[Position, ...]) -> str:
    """A line with round corners, as path data."""
    text = f"M{_pair(points[0])}"
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        short = min(CORNER, length(before, at) / 2, length(at, after) / 2)
        text += (
            f"L{_pair(towards(at, before, short))}Q{_pair(at)} {_pair(towards(at, after, short))}"
        )
    return f"{text}L{_pair(points[-1])}"


def head(tip: Position, back: Position, role: str) -> str:
    """The arrow head of a line, as path data."""
    return f"M{'L'.join(map(_pair, arrow(tip, back, role)))}Z"


def _pair(at: Position) -> str:
    return f"{at[0]:.4g} {at[1]:.4g}"
