"""The fine grid that lines run on, and where on it a line may leave a node or reach one.

Every column of nodes has three tracks, for the ports of a box, and channels on both sides; every
row has one, and channels. A point is a number, so that a step in a direction is an addition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from derive.display.diagram.graph import Operand
from derive.display.diagram.place import Placement

RIGHT, DOWN, LEFT, UP = range(4)  # directions: opposite ones differ in the second bit
LENGTH, BEND = 4, 40  # what a step costs, and a turn
FAR = 10**9
SIDE = 30  # what it costs to use another port than the usual one


@dataclass(frozen=True)
class Port:
    """A point of a node where a line may arrive or leave, the direction it then has, and what it
    costs."""

    point: int
    to: int
    cost: int = 0


@dataclass(frozen=True)
class Grid:
    """The grid of a placement, with some channels between two columns or rows."""

    placement: Placement
    channels: int

    @cached_property
    def width(self) -> int:
        """The number of vertical tracks; also the step from a row to the next."""
        return len(self.placement.columns) * (3 + self.channels) + self.channels

    @cached_property
    def height(self) -> int:
        """The number of horizontal tracks."""
        return self.placement.height * (1 + self.channels) + self.channels

    @cached_property
    def steps(self) -> tuple[int, int, int, int]:
        """The step in each direction."""
        return 1, self.width, -1, -self.width

    @cached_property
    def centres(self) -> dict[str, int]:
        """The middle of each node."""
        column, row, more = self.placement.column, self.placement.row, self.channels
        return {
            key: (row[key] * (1 + more) + more) * self.width + column[key] * (3 + more) + more + 1
            for key in self.placement.graph.nodes
        }

    @cached_property
    def bodies(self) -> dict[int, str]:
        """The node at each point that one covers."""
        return {at + d: key for key, at in self.centres.items() for d in (-1, 0, 1)}

    @cached_property
    def is_open(self) -> list[bool]:
        """For each point, whether lines may run there: inside, and not through nodes."""
        return [inside and point not in self.bodies for point, inside in enumerate(self.is_inside)]

    @cached_property
    def is_inside(self) -> list[bool]:
        """For each point, whether lines may run there: not beyond where they enter and leave."""
        graph = self.placement.graph
        sides = [self.centres[node.key] % self.width for node in graph.of_kind("enter", "leave")]
        left, right = min(sides, default=-1), max(sides, default=self.width)
        ends = [self.centres[node.key] // self.width for node in graph.of_kind("input", "output")]
        top, bottom = min(ends), max(ends)
        return [
            top < y < bottom and left + 1 < x < right - 1
            for y in range(self.height)
            for x in range(self.width)
        ]

    @cached_property
    def is_middle(self) -> list[bool]:
        """For each point, whether it lies on the track of a row of nodes."""
        rows = (y % (1 + self.channels) == self.channels for y in range(self.height))
        return [is_row for is_row in rows for _ in range(self.width)]

    @cached_property
    def along(self) -> dict[str, Operand]:
        """For each node on a rail but the first, the line that reaches it along the rail. The same
        value may reach it in other ways, too."""
        graph = self.placement.graph
        rails = [[f"enter {s}", *keys, f"leave {s}"] for s, keys in graph.rails.items()]
        return {
            key: next(o for o in graph.nodes[key].operands if o.source == before)
            for keys in rails
            for before, key in pairwise(keys)
        }

    def ports_in(self, key: str, operand: Operand) -> Iterator[Port]:
        """Where a line may arrive at a node."""
        at, node = self.centres[key], self.placement.graph.nodes[key]
        first = node.operands[0] == operand
        is_below = self.centres[operand.source] > at
        if node.kind == "leave" or self.along.get(key) == operand:
            yield Port(at - 1, RIGHT)
        elif node.kind == "output":
            yield Port(at, UP)
        elif node.kind == "merge":
            yield Port(at - 1, RIGHT, 0 if first else SIDE)
            yield Port(at, UP, SIDE if first else 0)
            yield Port(at, DOWN, SIDE if first else 0)
        elif node.kind == "state":
            yield Port(at, UP)
            yield Port(at, DOWN)
            yield Port(at - 1, RIGHT)
            yield Port(at + 1, LEFT)
        elif node.kind == "layer":
            yield Port(at, UP, 0 if first else SIDE)
            for side in (-1, 1):
                yield Port(at + side, UP, SIDE if first else 0)
                yield Port(at + side, DOWN, 4 * SIDE if first and is_below else 0)
            yield Port(at - 1, RIGHT, 2 * SIDE)
            yield Port(at + 1, LEFT, 3 * SIDE)
        else:
            yield Port(at, UP)
            yield Port(at, DOWN)
            if key not in self.placement.graph.on_rail:
                yield Port(at - 1, RIGHT)
                yield Port(at + 1, LEFT)

    def ports_out(self, key: str) -> Iterator[Port]:
        """Where a line may leave a node."""
        at, kind = self.centres[key], self.placement.graph.nodes[key].kind
        if kind == "input":
            yield Port(at, UP)
        elif kind in {"enter", "merge"} or key in self.placement.graph.on_rail:
            yield Port(at + 1, RIGHT)
        elif kind == "layer":
            yield Port(at, UP)
            yield Port(at + 1, RIGHT)
        else:
            yield Port(at, UP)
            yield Port(at, DOWN)
            yield Port(at - 1, LEFT)
            yield Port(at + 1, RIGHT)

    def estimate(self, goals: Mapping[int, int]) -> Callable[[int], int]:
        """What a way costs at least from a point and direction to one of the goals: its length,
        the bends that it would need on an empty grid, and the goal's own cost."""
        width = self.width
        ends = [
            (*divmod(goal >> 2, width), [BENDS[to][goal & 3] for to in range(4)], cost)
            for goal, cost in goals.items()
        ]

        def ahead(state: int) -> int:
            y, x = divmod(state >> 2, width)
            to, best = state & 3, FAR
            for row, column, bends, cost in ends:
                down, across = row - y, column - x
                turns = bends[to][(down > 0) - (down < 0)][(across > 0) - (across < 0)]
                cost += LENGTH * (abs(down) + abs(across)) + BEND * turns
                if cost < best:
                    best = cost
            return best

        return ahead

    def least(self, operand: Operand, key: str) -> int:
        """What a line costs at least from its node to a reader."""
        goals = {4 * port.point + port.to: port.cost for port in self.ports_in(key, operand)}
        ahead = self.estimate(goals)
        return min(ahead(4 * port.point + port.to) for port in self.ports_out(operand.source))


def _bends(across: int, down: int, to: int, arriving: int) -> int:
    """How often a way turns at least that starts in one direction and arrives in another."""
    forward, aside = (across, down) if to in (RIGHT, LEFT) else (down, across)
    if to in (LEFT, UP):
        forward = -forward
    if arriving == to:
        return (4 if forward <= 0 else 2) if aside else 0 if forward >= 0 else 4
    if arriving == to ^ 2:
        return 2 if aside else 4
    is_ahead = aside > 0 if arriving in (RIGHT, DOWN) else aside < 0
    return 1 if forward > 0 and is_ahead else 3


# For the direction in which a way starts, that in which it arrives, and the signs of how far down
# and across it has to go.
BENDS = [
    [
        [[_bends(across, down, to, arriving) for across in (0, 1, -1)] for down in (0, 1, -1)]
        for arriving in range(4)
    ]
    for to in range(4)
]
