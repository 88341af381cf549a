"""Pictures read back: what a person sees who knows nothing of how they were made.

A reader has a scene, that is boxes, lines and words with their places, and the rules of the
notation: lines that begin together are one line, which branches where they part; one that ends on
another without an arrow head merges with it; lines that cross have nothing to do with each other.
From these alone it says which box reads which.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from string import ascii_letters

import numpy as np
import reference

from derive.deviation import Deviation
from derive.display.diagram.draw import SPREAD
from derive.display.diagram.graph import Graph, Norm
from derive.display.diagram.scene import Area, Box, Scene
from derive.nodes import axes_of, symbols_of

NEAR = 0.06  # two places that are one: coordinates are rounded
MERGE = 9.5  # how far a line that merges runs along the other


def near(one, other):
    return abs(one[0] - other[0]) < NEAR and abs(one[1] - other[1]) < NEAR


def touches(point, box: Box):
    """Whether a point lies on the edge of a box."""
    a, (x, y) = box.area, point
    beside = abs(x - a.left) < NEAR or abs(x - a.right) < NEAR
    above = abs(y - a.top) < NEAR or abs(y - a.bottom) < NEAR
    return (beside and a.top - NEAR < y < a.bottom + NEAR) or (
        above and a.left - NEAR < x < a.right + NEAR
    )


def away(point, area: Area):
    """How far a point is from an area."""
    (x, y), a = point, area
    return max(a.left - x, x - a.right, 0) + max(a.top - y, y - a.bottom, 0)


@dataclass(frozen=True)
class Reading:
    """What is seen: which lines lead from which thing to which other one.

    A thing is a box's number, or a side of the picture with what is written there.
    """

    scene: Scene

    @cached_property
    def line(self) -> list[int]:
        """For each stroke, the first one of its line: of those that begin in the same place."""
        strokes = self.scene.strokes
        parent = list(range(len(strokes)))

        def root(n):
            while parent[n] != n:
                n = parent[n]
            return n

        for n, m in combinations(range(len(strokes)), 2):
            if near(strokes[n].points[0], strokes[m].points[0]):
                parent[root(m)] = root(n)
        return [root(n) for n in range(len(strokes))]

    def merges_at(self, stroke, point):
        """Whether a line ends here, and the other goes on."""
        if stroke.heads:
            return False
        last = stroke.points[-2:]
        return near(point, last[1]) or (
            near(point, last[0]) and abs(last[1][0] - last[0][0]) < MERGE
        )

    def thing(self, point):
        """The box whose edge a point lies on, or the side of the picture that it lies beyond."""
        for n, box in enumerate(self.scene.boxes):
            if touches(point, box):
                return n
        frame, (x, y) = self.scene.frames[0], point
        side = (
            "left" if x < frame.left - NEAR else "right" if x > frame.right + NEAR
            else "above" if y < frame.top - NEAR else "below" if y > frame.bottom + NEAR else None
        )  # fmt: skip
        if side is None:
            return None
        outer = [w for w in self.scene.words if not w.area.meets(frame)]
        nearest = min(outer, key=lambda word: away(point, word.area))
        return side, nearest.names[0]

    @cached_property
    def arrivals(self) -> list[tuple]:
        """Each line as seen from its ends: (from, to, at); of merged lines, one for each."""
        strokes = self.scene.strokes
        sources: dict[int, set] = {}
        into: dict[int, set] = {}
        for n, stroke in enumerate(strokes):
            start = self.thing(stroke.points[0])
            if start is not None:
                sources.setdefault(self.line[n], set()).add(start)
            if not stroke.heads:
                for m, other in enumerate(strokes):
                    if self.line[m] != self.line[n] and self.merges_at(stroke, other.points[0]):
                        into.setdefault(self.line[m], set()).add(self.line[n])

        def ends(line):
            return sources.get(line, set()).union(*(ends(other) for other in into.get(line, ())))

        found = []
        for n, stroke in enumerate(strokes):
            for tip, _ in stroke.heads:
                found += [(source, self.thing(tip), tip) for source in ends(self.line[n])]
        return sorted(found, key=str)

    @property
    def reads(self) -> list[tuple]:
        """The same without the places: (from, to)."""
        return sorted(((source, target) for source, target, _ in self.arrivals), key=str)

    @cached_property
    def negated(self) -> set[tuple]:
        """The arrow heads with a minus beside them."""
        tips = [tip for stroke in self.scene.strokes for tip, _ in stroke.heads]
        return {
            min(tips, key=lambda tip: away(tip, word.area))
            for word in self.scene.words
            if word.text == "−"
        }


def meant(graph: Graph) -> list[tuple]:
    """What a reader ought to see of a graph."""
    boxes = {node.key: n for n, node in enumerate(graph.of_kind("layer", "operation"))}
    side = {"enter": "left", "leave": "right", "output": "above", "input": "below"}

    def thing(key):
        node = graph.nodes[key]
        return boxes.get(key) if key in boxes else (side[node.kind], str(node.names[0]))

    def sources(key):
        node = graph.nodes[key]
        if node.kind != "merge":
            return {thing(key)}
        return set().union(*(sources(operand.source) for operand in node.operands))

    return sorted(
        (
            (source, thing(node.key))
            for node in graph.nodes.values()
            if node.kind != "merge"
            for operand in node.operands
            for source in sources(operand.source)
        ),
        key=str,
    )


def shown(scene: Scene) -> dict[str, str]:
    """The quantities that have a place on the picture, each with the first name of that place."""
    outside = [name for word in scene.words for name in word.names[:1]]
    return {name: name for name in outside} | {
        name: box.names[0] for box in scene.boxes for name in box.names
    }


def depends(reading: Reading) -> dict[str, set[str]]:
    """For each quantity that is computed on the picture, the nearest ones it is computed from."""
    places = shown(reading.scene)
    names = [box.names for box in reading.scene.boxes]
    reads: dict[object, set] = {}
    for source, target in reading.reads:
        reads.setdefault(target, set()).add(source)

    def named(thing):
        if isinstance(thing, tuple):
            return {places[thing[1]]}
        return {names[thing][0]} if names[thing] else made(thing)

    def made(thing):
        return set().union(*(named(source) for source in reads.get(thing, ())))

    return {box[0]: made(n) for n, box in enumerate(names) if box}


def depend(cell, places: dict[str, str]) -> dict[str, set[str]]:
    """The same from a cell's equations alone, for the quantities that have a place."""
    rhs = {str(e.lhs): {str(q) for q in symbols_of(e.rhs)} for e in cell.equations}
    parameters = {str(p) for p in cell.parameters}
    for _ in rhs:
        parameters |= {name for name in rhs if rhs[name] <= parameters}

    def named(name):
        return {places[name]} if name in places else made(name)

    def made(name):
        return set().union(*(named(q) for q in rhs[name] - parameters))

    found: dict[str, set[str]] = {}
    for name in rhs:
        if name in places:  # of one place with several names, those are the same
            found.setdefault(places[name], set()).update(made(name) - {places[name]})
    return found


def rests_on(depends: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same, all the way down to what enters."""
    made: dict[str, set[str]] = {}

    def below(name):
        if name not in depends:
            return {name}
        if name not in made:
            made[name] = set().union(*map(below, depends[name]))
        return made[name]

    return {name: below(name) for name in depends}


# --- what a box computes -------------------------------------------------------------------------

ONE = {
    "σ": lambda v: 1 / (1 + np.exp(-v)), "√": np.sqrt, "( )²": np.square, "1 −": lambda v: 1 - v,
    "−": np.negative, "1/": lambda v: 1 / v, "|·|": np.abs, "relu": lambda v: np.maximum(v, 0),
    "softplus": lambda v: np.logaddexp(0, v), "log σ": lambda v: -np.logaddexp(0, -v),
    "⌊·⌋": np.floor, "step": lambda v: np.heaviside(v, 0),
}  # fmt: skip
ONE |= {n: getattr(np, n) for n in "tanh exp expm1 log log1p sin cos sign".split()}
SCALED = re.compile(r"−?[\d.]+ ·")  # a number, rounded to four digits
MANY = {"×": np.multiply, "⊗": np.multiply, "+": np.add, "max": np.maximum, "min": np.minimum}
SUMS = {"@": 2, "Σ": 1, "mean": 1}  # over the axes that are not left; and how many lines they take
Named = tuple[np.ndarray, str]  # an array, and the letters of its axes


def miscomputed(reading: Reading, graph: Graph) -> list[str]:
    """The boxes whose label, put on what arrives there, does not give what they stand for.

    Parameters, input and states are drawn at random. A box that has a name stands for that
    quantity, another one for the formula that it was made from.
    """
    cell, chance = graph.cell, np.random.default_rng(1)
    sizes = {axis.letter: n for n, axis in enumerate(cell.axes, 2)}
    given = [*cell.given, *cell.states, *cell.parameters]
    values = {q: chance.uniform(0.2, 1.2, [sizes[a.letter] for a in q.axes]) for q in given}
    values = reference.step(_ordered(cell), values, sizes, 1)
    by_name, letter = {str(q): q for q in values}, dict(zip(cell.axes, ascii_letters, strict=False))
    nodes = graph.of_kind("layer", "operation")
    rhs = {e.lhs: e.rhs for e in cell.equations}
    apart = {
        of: (v - deviation.args[0]) / sigma
        for sigma, deviation in reversed(rhs.items())
        if isinstance(deviation, Deviation)
        for v in deviation.args[2:]
        for of in (v, rhs.get(v, v))  # drawn by its name, or as the formula that it is
    }

    def plain(expr):
        """A formula of the picture in the words of the cell."""
        return expr.replace(Norm, apart.__getitem__)

    def letters(expr):
        return "".join(letter[axis] for axis in axes_of(expr))

    def value(thing) -> Named:
        names = (thing[1],) if isinstance(thing, tuple) else reading.scene.boxes[thing].names
        expr = by_name[names[0]] if names else plain(nodes[thing].expr)
        array = reference.rows_of(expr, values, sizes)
        return array[0], letters(expr)

    wrong = []
    for n, box in enumerate(reading.scene.boxes):
        signs = [
            (source, -1 if tip in reading.negated else 1)
            for source, target, tip in reading.arrivals
            if target == n and box.round
        ]
        arrays = [(sign, *value(source)) for source, sign in signs]
        operands = [(sign * array, own) for sign, array, own in arrays]
        (want, axes), own = value(n), letters(nodes[n].expr)  # a name may be wider than its value
        found, is_rounded = _computed(box.label, operands, own), bool(SCALED.fullmatch(box.label))
        found = None if found is None else _seen((found, own), axes)
        tolerance = 1e-3 if is_rounded else 1e-9
        if found is not None and not np.allclose(found, want, rtol=tolerance, atol=1e-12):
            wrong.append(f"{box.label} of {operands} is not {want}")
    return wrong


def _computed(label: str, operands: list[Named], axes: str) -> np.ndarray | None:
    """A label's value, with these axes; None where it does not say enough: ``affine``, ``norm``,
    ``+ b``, ``max`` where the other is a number, or a matrix with two equal sides."""
    if any(len({*own}) < len(own) for own in (axes, *(own for _, own in operands))):
        return None
    if label in SUMS and len(operands) == SUMS[label]:
        return _summed(label, operands, axes)
    if label in MANY and len(operands) > 1:
        return functools.reduce(MANY[label], (_seen(operand, axes) for operand in operands))
    if SCALED.fullmatch(label) and operands:
        return float(label.removesuffix("·").replace("−", "-")) * operands[0][0]
    return ONE[label](operands[0][0]) if label in ONE and len(operands) == 1 else None


def _summed(label: str, operands: list[Named], axes: str) -> np.ndarray:
    """The product of what arrives, summed over the axes that are not left: their names say what
    meets."""
    terms = ",".join(own for _, own in operands)
    if not {*axes} <= {*terms}:
        return np.array(np.nan)
    found = np.einsum(f"{terms}->{axes}", *(array for array, _ in operands))
    return found * found.size / operands[0][0].size if label == "mean" else found


def _seen(operand: Named, axes: str) -> np.ndarray:
    """An array that fits others with these axes; not a number, where it has more."""
    array, own = operand
    if array.ndim != len(own) or not {*own} <= {*axes}:
        return np.array(np.nan)
    return array[tuple(slice(None) if axis in own else None for axis in axes)]


def _ordered(cell):
    """A cell's equations, each after those that it needs."""
    known, left = {*cell.given, *cell.states, *cell.parameters}, list(cell.equations)
    while left:
        now = [e for e in left if symbols_of(e.rhs) <= known]
        assert now, left
        yield from now
        known |= {e.lhs for e in now}
        left = [e for e in left if e not in now]


# --- what must not be seen -----------------------------------------------------------------------


def faults(scene: Scene) -> list[str]:
    """What is wrong with a picture, whatever it shows."""
    return [*_words(scene), *_boxes(scene), *_lines(scene), *_marks(scene)]


def _words(scene):
    words = scene.words
    for one, other in combinations(words, 2):
        if one.area.meets(other.area):
            yield f"{one.text!r} and {other.text!r} overlap"
    for word in words:
        if any(word.area.meets(box.area) for box in scene.boxes):
            yield f"{word.text!r} is on a box"
        if any(word.area.meets(part) for stroke in scene.strokes for part in stroke.segments):
            yield f"a line runs through {word.text!r}"
        for stroke in scene.strokes:
            for tip, back in stroke.heads:
                if word.area.meets(_head(tip, back, "matrix" in stroke.role)):
                    yield f"{word.text!r} is on an arrow head"
        if not _within(word.area, Area(0, 0, scene.width, scene.height)):
            yield f"{word.text!r} is not on the picture"


def _head(tip, back, is_matrix):
    """What an arrow head covers, which is as wide as it is long."""
    (x, y), long = tip, 12 if is_matrix else 7
    across, down = (back[0] > x) - (back[0] < x), (back[1] > y) - (back[1] < y)
    xs = (x, x + long * across) if across else (x - long / 2, x + long / 2)
    ys = (y, y + long * down) if down else (y - long / 2, y + long / 2)
    return Area(min(xs), min(ys), max(xs), max(ys))


def _within(inner, outer):
    return (
        outer.left <= inner.left
        and inner.right <= outer.right
        and outer.top <= inner.top
        and inner.bottom <= outer.bottom
    )


def _boxes(scene):
    for one, other in combinations(scene.boxes, 2):
        if one.area.meets(other.area):
            yield f"the boxes {one.label} and {other.label} overlap"
    for box in scene.boxes:
        if not _within(box.area, scene.frames[0]):
            yield f"the box {box.label} is not inside"


def _lines(scene):
    for stroke in scene.strokes:
        for box in scene.boxes:
            inner = Area(box.x - box.width / 2 + 0.1, box.y - box.height / 2 + 0.1,
                         box.x + box.width / 2 - 0.1, box.y + box.height / 2 - 0.1)  # fmt: skip
            if any(part.meets(inner) for part in stroke.segments):
                yield f"a line runs through the box {box.label}"
        for at in (stroke.points[0], stroke.points[-1]):
            for box in scene.boxes:
                if touches(at, box) and not _at_port(at, box):
                    yield f"a line meets {box.label} beside its middle at {at}"
        for a, b in pairwise(stroke.points):
            if (a[0] == b[0]) == (a[1] == b[1]):
                yield f"a line is slanted or of no length: {a}, {b}"
    reading = Reading(scene)
    for n, m in combinations(range(len(scene.strokes)), 2):
        one, other = scene.strokes[n], scene.strokes[m]
        for a in one.segments:
            for b in other.segments:
                if reading.line[n] == reading.line[m]:
                    continue
                if _along(a, b) > (NEAR if _is_merge(one, other) is False else MERGE):
                    yield f"two lines run along each other at {a}"
                elif _beside(a, b):
                    yield f"two lines are too close at {a}"


def _at_port(at, box, apart=13):
    """Whether a point is where lines belong on the edge of a box: the middle of a side, or one of
    two places beside that, which may be further apart where a label stands between lines."""
    across, down = abs(at[0] - box.x), abs(at[1] - box.y)
    beside = across if abs(down - box.height / 2) < NEAR else down
    more = (beside - apart) / SPREAD  # how often they were put further apart
    is_port = abs(more - max(0, round(more))) * SPREAD < NEAR
    is_inside = more < 0.5 or beside < box.width / 2 - apart / 2 + NEAR
    return beside < NEAR or (not box.round and is_port and is_inside)


def _is_merge(one, other):
    return not (one.heads and other.heads)


def _along(a, b):
    """How far two straight parts run along each other."""
    if a.top == a.bottom and b.top == b.bottom and abs(a.top - b.top) < NEAR:
        return min(a.right, b.right) - max(a.left, b.left)
    if a.left == a.right and b.left == b.right and abs(a.left - b.left) < NEAR:
        return min(a.bottom, b.bottom) - max(a.top, b.top)
    return 0.0


def _beside(a, b, apart=5.0):
    """Whether two parallel parts of different lines are closer than can be told apart."""
    if a.top == a.bottom and b.top == b.bottom and NEAR < abs(a.top - b.top) < apart:
        return min(a.right, b.right) - max(a.left, b.left) > NEAR
    if a.left == a.right and b.left == b.right and NEAR < abs(a.left - b.left) < apart:
        return min(a.bottom, b.bottom) - max(a.top, b.top) > NEAR
    return False


def _marks(scene):
    """Every branch has a dot and nothing else has; every crossing is drawn as one."""
    reading = Reading(scene)
    starts = [stroke.points[0] for stroke in scene.strokes]
    branches = [
        _parting(scene.strokes[n].points, scene.strokes[m].points)
        for n, m in combinations(range(len(starts)), 2)
        if reading.line[n] == reading.line[m]
    ]
    branches = [at for at in branches if not any(near(at, start) for start in starts)]
    dots = [(dot.x, dot.y) for dot in scene.dots]
    for at in branches:
        if not any(near(at, dot) for dot in dots):
            yield f"a branch without a dot at {at}"
    for dot in dots:
        if not any(near(at, dot) for at in branches):
            yield f"a dot where nothing branches at {dot}"
    over = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for s in scene.crossings for a, b in [s.points]]
    for at in crossings_of(scene):
        if not any(near(at, middle) for middle in over):
            yield f"a crossing that is not drawn as one at {at}"


def _parting(one, other):
    """Where two branches of a line part."""
    for (a, b), (_, c) in zip(pairwise(one), pairwise(other), strict=False):
        if near(b, c):
            continue
        is_level = a[1] == b[1] == c[1] and (b[0] > a[0]) == (c[0] > a[0])
        is_upright = a[0] == b[0] == c[0] and (b[1] > a[1]) == (c[1] > a[1])
        if is_level or is_upright:  # they part where the shorter one turns or ends
            return min(b, c, key=lambda at: abs(at[0] - a[0]) + abs(at[1] - a[1]))
        return a
    return min(one[-1], other[-1])


def crossings_of(scene):
    """Where two lines cross."""
    parts = {part for stroke in scene.strokes for part in stroke.segments}
    level = [part for part in parts if part.top == part.bottom]
    upright = [part for part in parts if part.left == part.right]
    for a in level:
        for b in upright:
            x, y = b.left, a.top
            if a.left + NEAR < x < a.right - NEAR and b.top + NEAR < y < b.bottom - NEAR:
                yield x, y
