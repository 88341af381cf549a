"""The key below a picture: what its boxes, circles, lines and dots mean, as far as they occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from derive.display.diagram import label
from derive.display.diagram.graph import JointNorm, Norm
from derive.display.diagram.label import HIGHER, LEVEL, LOWER
from derive.display.diagram.scene import Box, Dot, Scene, Stroke, Word
from derive.display.unicode import BAR

TYPE, ICON, HIGH, APART = 11.5, 34.0, 22.0, 18.0
OPERATIONS = {"⊗": "outer product", "@": "matrix times vector", "Σ": "sum of the entries"}
OPERATIONS |= {"mean": "mean of the entries", "std": "standard deviation of the entries"}
ENTRYWISE = ("×", "+", "1 −")  # of what is done entry by entry, the signs that are shown
UNNAMED = {"linear", Norm.drawn, JointNorm.drawn}  # layers without an activation
LEAST = 380.0  # the width of a key, where the picture is narrower

# What an adjoint's name has above it, and what that means.
HANDED = {"loss": "what the loss itself gives", "next": "what the next step hands back"}
# What a line that branches or joins another means, in each direction.
FORWARD = {"dot": "copied", "merge": "joined"}
BACKWARD = {"dot": "added up", "merge": "parted: to each the sum of its own terms"}


@dataclass(frozen=True)
class Entry:
    """A sign and what it means. The sign begins at the origin: shapes, or something written."""

    text: str
    boxes: tuple[Box, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    dots: tuple[Dot, ...] = ()
    sign: str = ""

    @property
    def icon(self) -> float:
        """How wide the sign is."""
        if self.strokes:
            return ICON
        return max(label.width(self.sign, TYPE), *(box.area.right for box in self.boxes), 0.0)

    @property
    def words(self) -> Iterator[Word]:
        """What is written."""
        for text, x in ((self.sign, 0.0), (self.text, self.icon + 6)):
            if text:
                yield Word(x, 4, label.width(text, TYPE), text, "note", (), TYPE)


def with_key(made: Scene) -> Scene:
    """A picture and, below it, its key."""
    x, y, widest = 0.0, made.height + 8, max(made.width - 24, LEAST)
    for entry in entries(made):
        wide = entry.icon + 6 + label.width(entry.text, TYPE)
        if x and x + wide > widest:
            x, y = 0.0, y + HIGH
        made = _placed(made, entry, 12 + x, y)
        x += wide + APART
    return made.trimmed()


def entries(made: Scene) -> Iterator[Entry]:
    """The signs that occur in a picture."""
    roles = {word for stroke in made.strokes for word in stroke.role.split()}
    yield from _nodes(made.boxes)
    is_backward = bool(roles & {"adjoint", "rail"})
    plain = "adjoint" if is_backward else "line"
    lines = {"memory": "memory", "hidden": "hidden state", "output": "output", "input": "input"}
    lines |= {"rail": "back in time, past no weights", "old": "of the step before"}
    lines |= {"matrix": "matrix"}
    for role, text in lines.items():
        if role in roles:
            sign = f"{plain} {role}" if role in {"old", "matrix"} else role
            yield Entry(text, strokes=(_line(sign),))
    yield from _branches(made, plain)
    if is_backward:
        yield from _adjoints(made)


def _nodes(boxes: tuple[Box, ...]) -> Iterator[Entry]:
    """Boxes, which are learnt unless they are white, and what is round and is not."""
    layers = {box.role: box.label for box in boxes[::-1] if not box.round}
    if "gate" in layers:
        yield Entry("gate, learnt", (_box("σ", "gate"),))
    if "candidate" in layers:
        text = "other layer, learnt" if "gate" in layers else "layer, learnt"
        yield Entry(text, (_box(layers["candidate"], "candidate"),))
    if "fixed" in layers:
        yield Entry("layer, not learnt", (_box(layers["fixed"], "fixed"),))
    signs = dict.fromkeys(box.label for box in boxes if box.round)
    functions = [sign for sign in signs if _is_function(sign)]
    if others := signs.keys() - {*functions, *OPERATIONS}:
        shown = [sign for sign in ENTRYWISE if sign in others] or ["×"]
        yield Entry("entry by entry", tuple(_in_a_row(map(_round, shown))))
    if functions:
        yield Entry("function, not learnt", (_round(functions[0]),))
    for sign, text in OPERATIONS.items():
        if sign in signs:
            yield Entry(text, (_round(sign),))
    if any(box.label.endswith(JointNorm.drawn) for box in boxes):
        yield Entry("by the mean and deviation of several together", sign=JointNorm.drawn)


def _is_function(sign: str) -> bool:
    """Whether what is round has the name of a function, not a sign, a number or a parameter."""
    is_named = len(sign) > 1 and any(character.isalpha() for character in sign)
    return is_named and LOWER not in sign and sign not in {*OPERATIONS, "affine"}


def _branches(made: Scene, role: str) -> Iterator[Entry]:
    """Lines that branch, and lines that join others."""
    means = BACKWARD if role == "adjoint" else FORWARD
    if made.dots:
        dot = Dot(17, 0, role, ())
        yield Entry(means["dot"], strokes=(_line(role), _branch(role)), dots=(dot,))
    if any(s.ends[1].startswith("merge") for s in made.strokes):
        yield Entry(means["merge"], strokes=(_line(role), _branch(role)))


def _adjoints(made: Scene) -> Iterator[Entry]:
    """What the letters of a backward picture mean."""
    ends = {part: [w.text for w in made.words if w.text.endswith(_above(part))] for part in HANDED}
    name = next((text.split(LOWER)[0] for texts in ends.values() for text in texts), f"c{BAR}")
    text = f"adjoint of {name.replace(BAR, '')}: the derivative of the loss with respect to it"
    yield Entry(text, sign=name)
    if any(not box.round and box.label not in UNNAMED for box in made.boxes):
        yield Entry("a: what an activation is applied to", sign=f"a{BAR}")
    for part, text in HANDED.items():
        if ends[part]:
            yield Entry(text, sign=f"{name}{_above(part)}")


def _above(part: str) -> str:
    """A word that stands above a name, behind it."""
    return f"{HIGHER}{part}{LEVEL}"


def _in_a_row(boxes: Iterable[Box]) -> Iterator[Box]:
    """Boxes one beside the other, from the origin."""
    at = 0.0
    for box in boxes:
        yield replace(box, x=at + box.width / 2)
        at += box.width + 4


def _box(text: str, role: str) -> Box:
    width = max(ICON, label.width(text, 14) + 8)
    return Box(f"key {text}", width / 2, 0, width, 18, text, role, (), "", False)


def _round(text: str) -> Box:
    width = 18.0 if len(text) == 1 else label.width(text, 12) + 12
    return Box(f"key {text}", width / 2, 0, width, 18, text, "operation", (), "", True)


def _line(role: str) -> Stroke:
    return Stroke(((0.0, 0.0), (ICON, 0.0)), role, (), (((ICON, 0.0), (0.0, 0.0)),))


def _branch(role: str) -> Stroke:
    """A line that comes in from below."""
    return Stroke(((17.0, 8.0), (17.0, 0.0), (26.0, 0.0)), role, ())


def _placed(made: Scene, entry: Entry, x: float, y: float) -> Scene:
    """A picture with an entry of its key at a place."""
    parts = replace(
        made, frames=(), boxes=entry.boxes, strokes=entry.strokes, dots=entry.dots,
        crossings=(), words=tuple(entry.words),
    ).moved(x, y)  # fmt: skip
    return replace(
        made,
        boxes=(*made.boxes, *parts.boxes),
        strokes=(*made.strokes, *parts.strokes),
        dots=(*made.dots, *parts.dots),
        words=(*made.words, *parts.words),
    )
