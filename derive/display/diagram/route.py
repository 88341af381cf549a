"""The way of each line from node to node.

A line takes the cheapest way: short, with few bends and crossings. It never runs through a node or
along another line; lines cross at right angles only. What one node gives to several readers is one
line that branches.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from derive.display.diagram.estimate import CROSSING
from derive.display.diagram.graph import Graph, Node, Operand
from derive.display.diagram.grid import Grid
from derive.display.diagram.place import Placement
from derive.display.diagram.search import Points, cheapest

COLUMN = 60
HOPE = 1.1  # how much a first draft may cost more than the best arrangement so far

Wanted = tuple[Operand, Node]  # a line, and a node that reads it


class NoWayError(Exception):
    """A line finds no way to one of its readers."""

    def __init__(self, operand: Operand, node: Node):
        super().__init__(f"no way from {operand.source} to {node.key}")
        self.way = operand, node


@dataclass(frozen=True)
class Way:
    """The part of a line that leads to one of its readers: from where it leaves the rest.

    operand  what it carries there
    target   the reader
    points   of the grid, from where it leaves the rest on
    cost     of its length and bends, not of what it crosses
    """

    operand: Operand
    target: str
    points: Points
    cost: int

    @property
    def source(self) -> str:
        """The node whose line it is a part of."""
        return self.operand.source

    @property
    def corners(self) -> Points:
        """Its ends, and the points at which it turns."""
        steps = [two - one for one, two in pairwise(self.points)]
        turns = (n for n, (a, b) in enumerate(pairwise(steps), 1) if a != b)
        return tuple(self.points[n] for n in (0, *turns, -1))


@dataclass(frozen=True)
class Routes:
    """All ways on their grid, and what they and the columns cost."""

    grid: Grid
    ways: tuple[Way, ...]
    cost: int

    @property
    def graph(self) -> Graph:
        """What is laid out."""
        return self.grid.placement.graph

    @property
    def crossing(self) -> frozenset[str]:
        """The nodes at the ends of lines that cross."""
        at: defaultdict[int, dict[str, set[str]]] = defaultdict(dict)
        for way in self.ways:
            for point in way.points:
                at[point].setdefault(way.source, set()).update((way.source, way.target))
        crossed = (at[point] for point in at.keys() - self.grid.bodies.keys())
        ends = [lines.values() for lines in crossed if len(lines) > 1]
        return frozenset().union(*(keys for lines in ends for keys in lines))


def route(placement: Placement) -> Routes:
    """The ways of all lines, with as many channels as they need. A line that finds no way is laid
    earlier the next time."""
    first: list[Wanted] = []
    for channels in (2, 2, 4, 4, 8, 8, *12 * [12]):
        try:
            return _Router(Grid(placement, channels)).run(first=first)
        except NoWayError as error:
            failure = error
            first.insert(0, error.way)
    raise failure


def improved(best: Routes, placement: Placement, worse: float = 1.0) -> Routes | None:
    """The ways of another arrangement, if they cost less than the best or no more than that many
    times as much.

    Where the first draft costs so much that laying lines anew cannot save it, it is given up.
    """
    try:
        routes = _Router(Grid(placement, best.grid.channels)).run(HOPE * worse * best.cost)
    except NoWayError:
        return None
    return routes if routes.cost < worse * best.cost else None


class _Router:
    """Lays one way after the other."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.laid: dict[int, dict[str, set[int]]] = {}
        self.lines: dict[str, list[Way]] = {}

    def run(self, enough: float = math.inf, first: Sequence[Wanted] = ()) -> Routes:
        """All ways: rails, what is to be laid early, then what is short; then each line anew,
        knowing the others."""
        nodes = self.grid.placement.graph.nodes
        wanted = [(o, node) for node in nodes.values() for o in node.operands]
        wanted.sort(key=lambda pair: self.urgency(*pair))
        wanted.sort(key=lambda pair: first.index(pair) if pair in first else len(first))
        wanted.sort(key=lambda pair: not self.is_on_rail(pair[0], pair[1].key))
        spent = COLUMN * len(self.grid.placement.columns)
        for (operand, node), ahead in zip(wanted, self.ahead(wanted), strict=True):
            spent += self.lay(operand, node, enough - spent - ahead)
        for _ in range(2):
            before = self.cost()
            for source in tuple(self.lines):
                self.again(source, [w for w in wanted if w[0].source == source])
            if self.cost() == before:
                break
        ways = tuple(way for ways in self.lines.values() for way in ways)
        return Routes(self.grid, ways, self.cost())

    def ahead(self, wanted: list[Wanted]) -> list[int]:
        """For each way, what those that follow it cost at least; a branch may cost nothing."""
        begun, least = set(), []
        for operand, node in wanted:
            is_first = operand.source not in begun
            begun.add(operand.source)
            least.append(self.grid.least(operand, node.key) if is_first else 0)
        return [sum(least[n + 1 :]) for n in range(len(least))]

    def cost(self) -> int:
        """What all that is laid costs, and the columns."""
        own = sum(way.cost for ways in self.lines.values() for way in ways)
        crossings = sum(
            len(lines) > 1 for at, lines in self.laid.items() if at not in self.grid.bodies
        )
        return own + CROSSING * crossings + COLUMN * len(self.grid.placement.columns)

    def urgency(self, operand: Operand, node: Node) -> tuple[int, int]:
        down, across = self.apart(self.grid.centres[operand.source], self.grid.centres[node.key])
        return (down > 0) + (across > 0), down + across

    def is_on_rail(self, operand: Operand, key: str) -> bool:
        """Whether a way is a part of a rail."""
        return self.grid.along.get(key) == operand

    def apart(self, one: int, two: int) -> tuple[int, int]:
        """How far two points are apart, in rows and in columns."""
        (y, x), (y2, x2) = self.grid.at(one), self.grid.at(two)
        return abs(y - y2), abs(x - x2)

    def again(self, source: str, wanted: list[Wanted]) -> None:
        """Lay a line anew, but for its part on a rail; the better of both stays."""
        old = self.lift(source)
        enough = self.price(old) - 1
        try:
            for operand, node in wanted:
                if not self.is_on_rail(operand, node.key):
                    enough -= self.lay(operand, node, enough)
        except NoWayError:
            self.lift(source)
            for way in old:
                self.fix(way)

    def price(self, ways: list[Way]) -> int:
        """What the ways of a line that is not laid would cost, crossings and all."""
        points = {point for way in ways for point in way.points} - self.grid.bodies.keys()
        return sum(way.cost for way in ways) + CROSSING * sum(
            bool(self.laid.get(point)) for point in points
        )

    def lay(self, operand: Operand, node: Node, enough: float = math.inf) -> int:
        """Lay a way, and say what it costs with what it crosses."""
        points, cost = self.search(operand, node, enough)
        crossed = CROSSING * sum(bool(self.laid.get(point)) for point in points[1:-1])
        self.fix(Way(operand, node.key, points, cost - crossed))
        return cost

    def fix(self, way: Way) -> None:
        self.lines.setdefault(way.source, []).append(way)
        to = {step: n for n, step in enumerate(self.grid.steps)}
        for one, two in pairwise(way.points):
            self.laid.setdefault(one, {}).setdefault(way.source, set()).add(to[two - one])
            self.laid.setdefault(two, {}).setdefault(way.source, set()).add(to[one - two])

    def lift(self, source: str) -> list[Way]:
        """Take a line up, but for its part on a rail."""
        ways = self.lines.pop(source, [])
        for point in {point for way in ways for point in way.points}:
            self.laid[point].pop(source, None)
        self.lines[source] = []
        for way in ways:
            if self.is_on_rail(way.operand, way.target):
                self.fix(way)
        return [way for way in ways if not self.is_on_rail(way.operand, way.target)]

    def search(self, operand: Operand, node: Node, enough: float) -> tuple[Points, int]:
        """The cheapest way from what is laid of a line, or from its node, to a reader."""
        centre, source = self.grid.centres[node.key], operand.source
        ports = tuple(
            port
            for port in self.grid.ports_in(node.key, operand)
            if self.is_free(centre + port.aside, port.to ^ 2)
        )
        starts = self.starts(source)
        found = cheapest(self.grid, self.laid, starts, source, node.key, ports, enough)
        if found is None:
            raise NoWayError(operand, node)
        return found

    def is_free(self, point: int, to: int) -> bool:
        """Whether no line uses a side of a node."""
        lines = self.laid.get(point)
        return not lines or not any(to in directions for directions in lines.values())

    def starts(self, source: str) -> Iterator[int]:
        """Where a line can begin: at a port of its node, or where it is laid."""
        points = {point for way in self.lines.get(source, ()) for point in way.points}
        if not points:
            for port in self.grid.ports_out(source):
                state = self.grid.state(source, port)
                if self.is_free(state >> 2, port.to):
                    yield state
        for point in points:
            lines = self.laid[point]
            if point not in self.grid.bodies and len(lines) == 1:
                for to in range(4):
                    if to not in lines[source]:
                        yield 4 * point + to
