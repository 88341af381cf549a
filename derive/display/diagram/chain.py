"""A network as a chain of steps: rolled up, with a loop for each state, or unrolled over time."""

from __future__ import annotations

from dataclasses import replace

from derive.adjoint import adjoint
from derive.cell import Cell
from derive.display.derivation import textbook
from derive.display.diagram import label
from derive.display.diagram.draw import TYPE
from derive.display.diagram.graph import graph
from derive.display.diagram.label import Labels
from derive.display.diagram.roles import line_roles
from derive.display.diagram.scene import Box, Position, Scene, Stroke, Word
from derive.nodes import CellError, Quantity

WIDE, HIGH, BETWEEN, STUB = 96.0, 84.0, 62.0, 34.0
LONGEST = 40  # steps


def rolled(cell: Cell) -> Scene:
    """One step, whose states come back to it."""
    chain = _Chain(cell)
    box = chain.box(0.0, 0.0)
    strokes = chain.through(box)
    words = [*chain.ends(box, "t")]
    for n, state in enumerate(chain.states):
        y = (0.36 - 0.5 * n / len(chain.states)) * HIGH
        y = max(y, 6.0)
        right = box.area.right + STUB + 22.0 * (len(chain.states) - n - 1)
        loop = ((box.area.right, box.y - y), (right, box.y - y))
        back = ((right, box.y + y), (box.area.right, box.y + y))
        strokes.append(chain.stroke((*loop, *back), state, (back[1], back[0])))
        text = chain.symbol(state, "t")
        place = right + 5, box.y + 5 - 18 * n + 9 * (len(chain.states) - 1)
        words.append(chain.word(text, place, state))
    return chain.scene([box], strokes, words, f"{cell.title}, rolled up")


def unrolled(cell: Cell, steps: int) -> Scene:
    """That many steps, each of which hands its states to the next."""
    if not 1 <= steps <= LONGEST:
        raise CellError(f"a picture has 1 to {LONGEST} steps, not {steps}")
    chain = _Chain(cell)
    boxes = [chain.box(n * (chain.wide + BETWEEN), 0.0) for n in range(steps)]
    strokes: list[Stroke] = []
    words: list[Word] = []
    for n, box in enumerate(boxes):
        strokes += chain.through(box)
        words += chain.ends(box, str(n + 1))
    for m, state in enumerate(chain.states):
        y = boxes[0].y + ((m + 1) / (len(chain.states) + 1) - 0.5) * HIGH
        lefts = [boxes[0].area.left - BETWEEN, *(box.area.right for box in boxes)]
        rights = [*(box.area.left for box in boxes), boxes[-1].area.right + BETWEEN]
        for n, (left, right) in enumerate(zip(lefts, rights, strict=True)):
            strokes.append(chain.stroke(((left, y), (right, y)), state, ((right, y), (left, y))))
            text = chain.symbol(state, str(n))
            words.append(
                chain.word(text, ((left + right - label.width(text, TYPE)) / 2, y - 7), state)
            )
    return chain.scene(boxes, strokes, words, f"{cell.title}, {steps} steps")


class _Chain:
    def __init__(self, cell: Cell):
        self.cell = cell
        self.labels = Labels(textbook(adjoint(cell)))
        made = graph(cell)
        self.output = line_roles(made)["output"]
        self.roles = {s: line_roles(made)[f"enter {s}"] for s in cell.states}
        self.wide = max(WIDE, label.width(cell.name, TYPE) + 20)
        self.states = sorted(cell.states, key=lambda s: self.roles[s] != "memory")

    def box(self, x: float, y: float) -> Box:
        name = self.cell.name
        return Box("cell", x, y, self.wide, HIGH, name, "cell", (), self.cell.title, False)

    def symbol(self, quantity: Quantity, step: str) -> str:
        name = self.labels.names[quantity.name]
        return self.labels.named(replace(name, step=step, new=False))

    def stroke(
        self, points: tuple[Position, ...], state: Quantity, head: tuple[Position, Position]
    ) -> Stroke:
        return Stroke(points, self.roles[state], (state.name,), (head,))

    def word(self, text: str, at: Position, *quantities: Quantity) -> Word:
        names = tuple(q.name for q in quantities)
        return Word(*at, label.width(text, TYPE), text, "line", names, TYPE)

    def through(self, box: Box) -> list[Stroke]:
        """The inputs and the output of a step."""
        below, above = (box.x, box.area.bottom + STUB), (box.x, box.area.bottom)
        out, top = (box.x, box.area.top), (box.x, box.area.top - STUB)
        role, names = self.output, tuple(q.name for q in self.cell.inputs)
        return [
            Stroke((below, above), "input", names, ((above, below),)),
            Stroke((out, top), role, (self.cell.output.name,), ((top, out),)),
        ]

    def ends(self, box: Box, step: str) -> list[Word]:
        """What enters a step from below and leaves it above."""
        below = ", ".join(self.symbol(q, step) for q in self.cell.inputs)
        above = self.symbol(self.cell.output, step)
        return [
            self.word(
                below,
                (box.x - label.width(below, TYPE) / 2, box.area.bottom + STUB + TYPE + 2),
                *self.cell.inputs,
            ),
            self.word(
                above,
                (box.x - label.width(above, TYPE) / 2, box.area.top - STUB - 8),
                self.cell.output,
            ),
        ]

    def scene(
        self, boxes: list[Box], strokes: list[Stroke], words: list[Word], title: str
    ) -> Scene:
        return Scene(
            width=0.0,
            height=0.0,
            frames=(),
            boxes=tuple(boxes),
            strokes=tuple(strokes),
            dots=(),
            crossings=(),
            words=tuple(words),
            name=self.cell.name,
            title=title,
            about=f"{title}.",
        ).trimmed()
