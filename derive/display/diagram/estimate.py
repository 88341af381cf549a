"""What a way costs at least, which tells a search where to look first.

That is its length, the rails that it has to cross, the bends that it would need on an empty grid,
and what the port costs where it arrives. All ports of a node are in one row. So what a way costs up
or down depends on the row where it starts alone, and the rest on three things: whether it goes up,
down or neither, how far aside the node is, and the direction in which it starts. Few of these are
ever asked for, and those again and again, for other nodes and other grids, too.
"""

from __future__ import annotations

from functools import cache, lru_cache

from derive.display.diagram.ports import DOWN, LEFT, RIGHT, UP, Ports

LENGTH, BEND, CROSSING = 4, 40, 400  # what a step costs, a turn, and to cross a line


class Estimate(dict[int, int]):
    """What ways to some ports cost at least, without their length up or down.

    The key is four times the number of tracks from the middle of the node to where the way starts,
    to the right, and the direction in which it does.
    """

    def __init__(self, ports: Ports, down: int):
        super().__init__()
        self.ports, self.down = ports, down

    def __missing__(self, key: int) -> int:
        start, to = key >> 2, key & 3
        found = self[key] = min(
            port.cost
            + LENGTH * abs(port.aside - start)
            + BEND * BENDS[to][port.to][self.down][_sign(port.aside - start)]
            for port in self.ports
        )
        return found


@cache
def estimates(ports: Ports) -> tuple[Estimate, Estimate, Estimate]:
    """The estimates from the row of the ports itself, from above it, and from below it."""
    return Estimate(ports, 0), Estimate(ports, 1), Estimate(ports, -1)


@lru_cache(maxsize=1024)
def rises(row: int, height: int, walls: tuple[int, ...]) -> tuple[int, ...]:
    """What ways to a row cost at least from each row, up or down: their length, and the lines
    between that have to be crossed."""
    return tuple(
        LENGTH * abs(y - row) + CROSSING * sum(min(y, row) < at < max(y, row) for at in walls)
        for y in range(height)
    )


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


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
