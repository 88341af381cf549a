"""The fine grid that lines run on.

Every column of nodes has three tracks, for the ports of a box, and channels on both sides; every
row has one, and channels. A point is a number, so that a step in a direction is an addition, and a
state of a way, a point and the direction in which it is left, is one as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from derive.display.diagram.estimate import LENGTH, estimates, rises
from derive.display.diagram.graph import Operand
from derive.display.diagram.place import Placement
from derive.display.diagram.ports import Port, Ports, ports_in, ports_out

OFF_ROW = 3  # what a step across costs more where it is not in a row of nodes


@dataclass(frozen=True)
class Grid:
    """The grid of a placement, with some channels between two columns or rows."""

    placement: Placement
    channels: int

    @cached_property
    def width(self) -> int:
        """The number of vertical tracks."""
        return len(self.placement.columns) * (3 + self.channels) + self.channels

    @cached_property
    def height(self) -> int:
        """The number of horizontal tracks."""
        return self.placement.height * (1 + self.channels) + self.channels

    @cached_property
    def bits(self) -> int:
        """The bits of a point that say on which vertical track it is."""
        return self.width.bit_length()

    @cached_property
    def steps(self) -> tuple[int, int, int, int]:
        """The step in each direction."""
        return 1, 1 << self.bits, -1, -(1 << self.bits)

    def at(self, point: int) -> tuple[int, int]:
        """The horizontal and the vertical track on which a point is."""
        return point >> self.bits, point & ((1 << self.bits) - 1)

    @cached_property
    def centres(self) -> dict[str, int]:
        """The middle of each node."""
        column, row, more = self.placement.column, self.placement.row, self.channels
        return {
            key: (row[key] * (1 + more) + more << self.bits) + column[key] * (3 + more) + more + 1
            for key in self.placement.graph.nodes
        }

    @cached_property
    def bodies(self) -> dict[int, str]:
        """The node at each point that one covers."""
        return {at + d: key for key, at in self.centres.items() for d in (-1, 0, 1)}

    @cached_property
    def tolls(self) -> tuple[bytearray, bytearray]:
        """What a step to each point costs, across and up or down; nothing where lines may not run:
        through nodes, or beyond where lines enter and leave."""
        graph = self.placement.graph
        sides = [self.at(self.centres[n.key])[1] for n in graph.of_kind("enter", "leave")]
        ends = [self.at(self.centres[n.key])[0] for n in graph.of_kind("input", "output")]
        across = min(sides, default=-1) + 2, max(sides, default=self.width) - 1
        down = min(ends) + 1, max(ends)
        free = _tolls(self.bits, self.height, self.channels, across, down)
        tolls = bytearray(free[0]), bytearray(free[1])
        for toll in tolls:
            for point in self.bodies:
                toll[point] = 0
        return tolls

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

    @cached_property
    def walls(self) -> tuple[int, ...]:
        """The rows of the rails, which nothing passes but across them."""
        graph = self.placement.graph
        return tuple(sorted({self.at(self.centres[f"enter {s}"])[0] for s in graph.rails}))

    def rises(self, row: int) -> tuple[int, ...]:
        """What a way to a row costs at least from each row, up or down, once the rails are laid."""
        return rises(row, self.height, self.walls)

    def ports_in(self, key: str, operand: Operand) -> Ports:
        """Where a line may arrive at a node."""
        is_along = self.along.get(key) == operand
        is_below = self.centres[operand.source] > self.centres[key]
        return ports_in(self.placement.graph, key, operand, is_along, is_below)

    def ports_out(self, key: str) -> Ports:
        """Where a line may leave a node."""
        return ports_out(self.placement.graph, key)

    def state(self, key: str, port: Port) -> int:
        """The state of a way that leaves a node by a port, or reaches it."""
        return 4 * (self.centres[key] + port.aside) + port.to

    def least(self, operand: Operand, key: str) -> int:
        """What a line costs at least from its node to a reader."""
        (row, track), (y, x) = self.at(self.centres[key]), self.at(self.centres[operand.source])
        level, above, below = estimates(self.ports_in(key, operand))
        aside = above if y < row else below if y > row else level
        starts = [4 * (x + port.aside - track) + port.to for port in self.ports_out(operand.source)]
        return self.rises(row)[y] + min(aside[start] for start in starts)


@lru_cache
def _tolls(
    bits: int, height: int, channels: int, across: tuple[int, int], down: tuple[int, int]
) -> tuple[bytes, bytes]:
    """The tolls of a grid without nodes, between those tracks."""
    flat, upright = bytearray(height << bits), bytearray(height << bits)
    (left, right), (top, bottom) = across, down
    for y in range(top, bottom):
        is_row = y % (1 + channels) == channels
        inside = slice((y << bits) + left, (y << bits) + right)
        flat[inside] = bytes([LENGTH if is_row else LENGTH + OFF_ROW]) * (right - left)
        upright[inside] = bytes([LENGTH]) * (right - left)
    return bytes(flat), bytes(upright)
