"""The key below a picture: what its boxes, circles, lines and dots mean, as far as they occur."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from derive.display.diagram import label
from derive.display.diagram.scene import Box, Dot, Scene, Stroke, Word

TYPE, ICON, HIGH, APART = 11.5, 34.0, 22.0, 18.0
LINES = {"old": "memory old", "matrix": "line matrix"}  # how a sign of a line is drawn
LEAST = 380.0  # the width of a key, where the picture is narrower

FORWARD = {"dot": "copied", "merge": "joined"}
BACKWARD = {"dot": "added up", "merge": "shared out, by the weights' transposes"}


@dataclass(frozen=True)
class Entry:
    """A sign and what it means. The sign stands at the origin, ICON wide."""

    text: str
    boxes: tuple[Box, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    dots: tuple[Dot, ...] = ()


def with_key(made: Scene) -> Scene:
    """A picture and, below it, its key."""
    x, y, widest = 0.0, made.height + 8, max(made.width - 24, LEAST)
    for entry in entries(made):
        wide = ICON + 6 + label.width(entry.text, TYPE)
        if x and x + wide > widest:
            x, y = 0.0, y + HIGH
        made = _placed(made, entry, 12 + x, y)
        x += wide + APART
    return made.trimmed()


def entries(made: Scene) -> Iterator[Entry]:
    """The signs that occur in a picture."""
    roles = {word for stroke in made.strokes for word in stroke.role.split()}
    kinds = {"layer" if not box.round else "operation" for box in made.boxes}
    is_backward = bool(roles & {"adjoint", "rail"})
    means = BACKWARD if is_backward else FORWARD
    layers = {box.role for box in made.boxes if not box.round}
    if "gate" in layers:
        yield Entry("gate, learnt", (_box("σ", "gate", 30, 18, False),))
    if "candidate" in layers:
        yield Entry("other layer, learnt", (_box("tanh", "candidate", 34, 18, False),))
    signs = {box.label for box in made.boxes if box.round}
    if "operation" in kinds:
        yield Entry("entry by entry", (_box("×", "operation", 18, 18, True),))
    for sign, text in {"⊗": "outer product", "@": "matrix times vector"}.items():
        if sign in signs:
            yield Entry(text, (_box(sign, "operation", 18, 18, True),))
    lines = {"memory": "memory", "hidden": "handed on", "input": "input"}
    lines |= {"rail": "along the memory", "old": "of the step before"}
    lines |= {"matrix": "matrix"}
    for role, text in lines.items():
        if role in roles:
            yield Entry(text, strokes=(_line(LINES.get(role, role)),))
    role = "adjoint" if is_backward else "line"
    if made.dots:
        yield Entry(
            means["dot"], strokes=(_line(role), _branch(role)), dots=(Dot(17, 0, role, ()),)
        )
    if any(s.ends[1].startswith("merge") for s in made.strokes):
        yield Entry(means["merge"], strokes=(_line(role), _branch(role)))
    if is_backward:
        yield Entry(
            "bar: the derivative of the loss by it", (_box("c\u0304", "line", 18, 18, True),)
        )


def _box(text: str, role: str, width: float, height: float, is_round: bool) -> Box:
    return Box(f"key {text}", 17, 0, width, height, text, role, (), "", is_round)


def _line(role: str) -> Stroke:
    return Stroke(((0.0, 0.0), (ICON, 0.0)), role, (), (((ICON, 0.0), (0.0, 0.0)),))


def _branch(role: str) -> Stroke:
    return Stroke(((17.0, 8.0), (17.0, 0.0), (26.0, 0.0)), role, ())


def _placed(made: Scene, entry: Entry, x: float, y: float) -> Scene:
    """A picture with an entry of its key at a place."""
    word = Word(ICON + 6, 4, label.width(entry.text, TYPE), entry.text, "note", (), TYPE)
    parts = replace(
        made, frames=(), boxes=entry.boxes, strokes=entry.strokes, dots=entry.dots,
        crossings=(), words=(word,),
    ).moved(x, y)  # fmt: skip
    return replace(
        made,
        boxes=(*made.boxes, *parts.boxes),
        strokes=(*made.strokes, *parts.strokes),
        dots=(*made.dots, *parts.dots),
        words=(*made.words, *parts.words),
    )
