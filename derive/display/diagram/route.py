"""The way of each line from node to node.

A line takes the cheapest way: short, with few bends and crossings. It never runs through a node or
along another line; lines cross at right angles only. What one node gives to several readers is one
line that branches.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from derive.display.diagram.graph import Node, Operand
from derive.display.diagram.grid import Grid
from derive.display.diagram.place import Placement

LENGTH, OFF_ROW, BEND, CROSSING, COLUMN = 4, 3, 40, 90, 60
HOPE = 1.2  # how much a first draft may cost more than the best arrangement so far

Points = tuple[int, ...]
State = tuple[int, int]  # a point, and the step with which it is left


class NoWayError(Exception):
    """A line finds no way to its end."""


@dataclass(frozen=True)
class Way:
    """The part of a line that leads to one of its readers: from where it leaves the rest."""

    source: str
    target: str
    points: Points
    cost: int


@dataclass(frozen=True)
class Routes:
    """All ways on their grid, and what they cost."""

    grid: Grid
    ways: tuple[Way, ...]

    @cached_property
    def cost(self) -> int:
        """What the ways and the columns cost."""
        return sum(way.cost for way in self.ways) + COLUMN * len(self.grid.placement.columns)


def route(placement: Placement) -> Routes:
    """The ways of all lines, with as many channels as they need."""
    for channels in (3, 6, 12):
        try:
            return _Router(Grid(placement, channels)).run()
        except NoWayError as error:
            failure = error
    raise failure


def improved(best: Routes, placement: Placement) -> Routes | None:
    """The ways of another arrangement, if they cost less.

    Where the first draft costs so much more that laying lines anew cannot save it, it is given up.
    """
    try:
        routes = _Router(Grid(placement, best.grid.channels)).run(HOPE * best.cost)
    except NoWayError:
        return None
    return routes if routes.cost < best.cost else None


class _Router:
    """Lays one way after the other."""

    def __init__(self, grid: Grid):
        self.grid = grid
        # For each point, the lines that run through it, each with the steps that it leaves it by.
        self.laid: dict[int, dict[str, set[int]]] = {}
        self.lines: dict[str, list[Way]] = {}

    def run(self, enough: float = math.inf) -> Routes:
        """All ways: rails first, then what is short; then each line anew, knowing the others."""
        nodes = self.grid.placement.graph.nodes
        wanted = [(o, node) for node in nodes.values() for o in node.operands]
        wanted.sort(key=lambda pair: self.urgency(*pair))
        for operand, node in wanted:
            self.lay(operand, node)
        for _ in range(2):
            before = self.cost()
            if before > enough:
                break
            for source in tuple(self.lines):
                self.again(source, [(o, n) for o, n in wanted if o.source == source])
            if self.cost() == before:
                break
        return Routes(self.grid, tuple(way for ways in self.lines.values() for way in ways))

    def cost(self) -> int:
        return sum(way.cost for ways in self.lines.values() for way in ways)

    def urgency(self, operand: Operand, node: Node) -> tuple[bool, int, int]:
        down, across = self.apart(self.grid.centres[operand.source], self.grid.centres[node.key])
        is_rail = (operand.source, node.key) in self.grid.along
        return not is_rail, (down > 0) + (across > 0), down + across

    def apart(self, one: int, two: int) -> tuple[int, int]:
        """How far two points are apart, in rows and in columns."""
        (y, x), (y2, x2) = divmod(one, self.grid.width), divmod(two, self.grid.width)
        return abs(y - y2), abs(x - x2)

    def again(self, source: str, wanted: list[tuple[Operand, Node]]) -> None:
        """Lay a line anew; the better of both stays."""
        old = self.lift(source)
        try:
            for operand, node in wanted:
                self.lay(operand, node)
        except NoWayError:
            pass
        new = self.lift(source)
        cost = sum(way.cost for way in old)
        is_better = len(new) == len(old) and sum(way.cost for way in new) < cost
        for way in new if is_better else old:
            self.fix(way)

    def lay(self, operand: Operand, node: Node) -> None:
        points, cost = self.search(operand, node)
        self.fix(Way(operand.source, node.key, points, cost))

    def fix(self, way: Way) -> None:
        self.lines.setdefault(way.source, []).append(way)
        for one, two in pairwise(way.points):
            self.laid.setdefault(one, {}).setdefault(way.source, set()).add(two - one)
            self.laid.setdefault(two, {}).setdefault(way.source, set()).add(one - two)

    def lift(self, source: str) -> list[Way]:
        """Take a line up."""
        ways = self.lines.pop(source, [])
        for point in {point for way in ways for point in way.points}:
            self.laid[point].pop(source, None)
        self.lines[source] = []
        return ways

    # the search

    def search(self, operand: Operand, node: Node) -> tuple[Points, int]:
        """The cheapest way from what is laid of a line, or from its node, to a reader."""
        ports = self.grid.ports_in(node.key, operand)
        goals = {(p.point, p.step): p.cost for p in ports if self.is_free(p.point, -p.step)}
        if not goals:
            raise NoWayError(f"no port of {node.key} is free")
        ahead, source = self.estimate([point for point, _ in goals]), operand.source
        before: dict[State, State | None] = {}
        best: dict[State, int] = {}
        heap: list[tuple[int, int, State, State | None]] = []
        for start in self.starts(source):
            heapq.heappush(heap, (0, 0, start, None))
        while heap:
            _, cost, state, last = heapq.heappop(heap)
            if state in before:
                continue
            before[state] = last
            if last is not None and state in goals:
                return _traced(before, state), cost
            for there, more in self.onward(source, state, goals):
                total = cost + more
                if total < best.get(there, total + 1):
                    best[there] = total
                    heapq.heappush(heap, (total + ahead(there), total, there, state))
        raise NoWayError(f"no way from {source} to {node.key}")

    def estimate(self, ends: list[int]) -> Callable[[State], int]:
        """What the rest of a way costs at least: its length, and a bend where it has to turn."""
        width = self.grid.width
        rows, columns = zip(*(divmod(point, width) for point in ends), strict=True)
        top, bottom, left, right = min(rows), max(rows), min(columns), max(columns)

        def ahead(state: State) -> int:
            y, x = divmod(state[0], width)
            down = top - y if y < top else y - bottom if y > bottom else 0
            across = left - x if x < left else x - right if x > right else 0
            turns = down if abs(state[1]) == 1 else across
            return LENGTH * (down + across) + (BEND if turns else 0)

        return ahead

    def is_free(self, point: int, step: int) -> bool:
        """Whether no line uses a side of a node."""
        return not any(step in steps for steps in self.laid.get(point, {}).values())

    def starts(self, source: str) -> Iterator[State]:
        """Where a line can begin: at a port of its node, or where it is laid."""
        points = {point for way in self.lines.get(source, ()) for point in way.points}
        if not points:
            for port in self.grid.ports_out(source):
                if self.is_free(port.point, port.step):
                    yield port.point, port.step
        for point in sorted(points):
            lines = self.laid[point]
            if point not in self.grid.bodies and len(lines) == 1:
                for step in self.grid.steps:
                    if step not in lines[source]:
                        yield point, step

    def onward(
        self, source: str, state: State, goals: dict[State, int]
    ) -> Iterator[tuple[State, int]]:
        """One step ahead, and the turns that are possible there, with what they cost."""
        point, step = state
        there, width = point + step, self.grid.width
        if (there, step) in goals:
            yield (there, step), LENGTH + goals[there, step]
            return
        lines = self.laid.get(there)
        if (
            not self.grid.is_inside[there]
            or there in self.grid.bodies
            or (lines and source in lines)
        ):
            return
        cost = LENGTH + OFF_ROW * (abs(step) == 1 and not self.grid.is_middle[there])
        if not lines:
            yield (there, step), cost
            for turn in (width, -width) if abs(step) == 1 else (1, -1):
                yield (there, turn), cost + BEND
        elif len(lines) == 1:
            (other,) = lines.values()
            if other == ({width, -width} if abs(step) == 1 else {1, -1}):
                yield (there, step), cost + CROSSING


def _traced(before: dict[State, State | None], state: State) -> Points:
    """The points of a way, found from its end."""
    points = [state[0]]
    last = before[state]
    while last is not None:
        if last[0] != points[-1]:
            points.append(last[0])
        last = before[last]
    return tuple(reversed(points))
