"""From tracks to places: how far the lines of the fine grid are apart.

Tracks that nothing uses take no room. Nodes get theirs, and lines keep clear of them and of each
other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from itertools import pairwise

from derive.display.diagram.grid import Grid
from derive.display.diagram.route import Routes
from derive.display.diagram.scene import Position

APART = 13.0  # two lines side by side
CLEAR = 14.0  # a line and a node
BESIDE, ABOVE = 20.0, 30.0  # two nodes
PORT = 13.0  # the ports of a box

Sizes = Mapping[str, tuple[float, float]]  # the width and the height of each node


@dataclass(frozen=True)
class Places:
    """Where each track is."""

    x: Mapping[int, float]
    y: Mapping[int, float]
    grid: Grid

    def at(self, point: int) -> Position:
        """The place of a point of the grid."""
        row, column = self.grid.at(point)
        return self.x[column], self.y[row]


def places(
    routes: Routes,
    sizes: Sizes,
    wider: Mapping[int, float],
    taller: Mapping[int, float],
    spread: Mapping[int, float],
) -> Places:
    """The places of all tracks in use; `wider` and `taller` are room asked for after a track, and
    `spread` is what was asked for between the ports of a column."""
    grid = routes.grid
    vertical, horizontal = _used(routes)
    x = _along(
        grid.channels,
        3,
        len(grid.placement.columns),
        vertical,
        _halves(grid.placement.column, sizes, 0),
        BESIDE,
        wider,
        spread,
    )
    y = _along(
        grid.channels,
        1,
        grid.placement.height,
        horizontal,
        _halves(grid.placement.row, sizes, 1),
        ABOVE,
        taller,
        {},  # a row has one track
    )
    return Places(x, y, grid)


def _used(routes: Routes) -> tuple[set[int], set[int]]:
    """The tracks along which lines run, and those at which one begins or ends."""
    vertical, horizontal = set(), set()
    for way in routes.ways:
        for one, two in pairwise(way.points):
            (row, column), (row_of_two, _) = routes.grid.at(one), routes.grid.at(two)
            if row == row_of_two:
                horizontal.add(row)
            else:
                vertical.add(column)
    return vertical, horizontal


def _halves(band: Mapping[str, int], sizes: Sizes, side: int) -> dict[int, float]:
    """Half of what the largest node in each row or column takes."""
    found: defaultdict[int, float] = defaultdict(float)
    for key, at in band.items():
        found[at] = max(found[at], sizes[key][side] / 2)
    return found


def _along(
    channels: int,
    tracks: int,
    count: int,
    used: Set[int],
    halves: Mapping[int, float],
    between: float,
    more: Mapping[int, float],
    spread: Mapping[int, float],
) -> dict[int, float]:
    """The place of each track, from the first band of nodes to the last."""
    found: dict[int, float] = {}
    edge, is_node = 0.0, True  # where what came last ends, and whether that was a node
    for band in range(count + 1):
        first = band * (channels + tracks)
        for track in range(first, first + channels):
            if track in used:
                edge += CLEAR if is_node else APART
                found[track], is_node = edge, False
            edge += more.get(track, 0.0)
        if band == count:
            break
        last = first + channels
        aside = {last, last + tracks - 1} - {last + tracks // 2}
        port = PORT + spread.get(band, 0.0)
        half = max(halves.get(band, 0.0), port if aside & used or band in spread else 0.0)
        middle = edge + (between if is_node else CLEAR) + half
        for n in range(tracks):
            found[last + n] = middle + port * (n - tracks // 2)
        edge, is_node = middle + half + sum(more.get(last + n, 0.0) for n in range(tracks)), True
    return found
