"""The fine grid that lines run on, and where on it a line may leave a node or reach one.

Every column of nodes has three tracks, for the ports of a box, and channels on both sides; every
row has one, and channels. A point is a number, so that a step in a direction is an addition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from derive.display.diagram.graph import Operand
from derive.display.diagram.place import Placement

SIDE = 30  # what it costs to use another port than the usual one


@dataclass(frozen=True)
class Port:
    """A point of a node where a line may arrive, the step that leads there, and what it costs."""

    point: int
    step: int
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
        """Right, down, left, up."""
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
    def along(self) -> frozenset[tuple[str, str]]:
        """The pairs of neighbours on rails."""
        rails = self.placement.graph.rails.items()
        return frozenset(
            p for s, keys in rails for p in pairwise([f"enter {s}", *keys, f"leave {s}"])
        )

    def ports_in(self, key: str, operand: Operand) -> Iterator[Port]:
        """Where a line may arrive at a node."""
        right, down, left, up = self.steps
        at, node = self.centres[key], self.placement.graph.nodes[key]
        first = node.operands[0] == operand
        if node.kind == "leave" or (operand.source, key) in self.along:
            yield Port(at - 1, right)
        elif node.kind == "output":
            yield Port(at, up)
        elif node.kind == "merge":
            yield Port(at - 1, right) if first else Port(at, up)
        elif node.kind == "state":
            yield Port(at, up)
            yield Port(at, down)
            yield Port(at - 1, right)
            yield Port(at + 1, left)
        elif node.kind == "layer":
            yield Port(at, up, 0 if first else SIDE)
            for side in (-1, 1):
                yield Port(at + side, up, SIDE if first else 0)
                yield Port(at + side, down, 4 * SIDE if first else 0)
            yield Port(at - 1, right, 2 * SIDE)
            yield Port(at + 1, left, 3 * SIDE)
        else:
            yield Port(at, up)
            yield Port(at, down)
            if key not in self.placement.graph.on_rail:
                yield Port(at - 1, right)
                yield Port(at + 1, left)

    def ports_out(self, key: str) -> Iterator[Port]:
        """Where a line may leave a node."""
        right, down, left, up = self.steps
        at, kind = self.centres[key], self.placement.graph.nodes[key].kind
        if kind == "input":
            yield Port(at, up)
        elif kind in {"enter", "merge"} or key in self.placement.graph.on_rail:
            yield Port(at + 1, right)
        elif kind == "layer":
            yield Port(at, up)
            yield Port(at + 1, right)
        else:
            yield Port(at, up)
            yield Port(at, down)
            yield Port(at - 1, left)
            yield Port(at + 1, right)
