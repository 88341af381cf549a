"""The cheapest way of one line, found by looking first where most is to be hoped for (A*)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping

from derive.display.diagram.estimate import BEND, CROSSING, LENGTH, estimates
from derive.display.diagram.grid import Grid
from derive.display.diagram.ports import Ports

FAR = 10**9

Points = tuple[int, ...]
Laid = Mapping[int, Mapping[str, set[int]]]
"""For each point, the lines that run through it, each with the directions it goes off in."""


def cheapest(
    grid: Grid,
    laid: Laid,
    starts: Iterable[int],
    source: str,
    target: str,
    ports: Ports,
    enough: float,
) -> tuple[Points, int] | None:
    """The cheapest way from one of the states at which it may start to one of a node's ports, and
    its cost; None where each costs more than that.

    What is still to be explored is a heap of what a way would cost at least, less what it has cost
    so far, its state there, and the state before. Drawing a cell spends its time here, so all that
    can be said of a point or a port beforehand is looked up.
    """
    goals = {grid.state(target, port): port.cost for port in ports}
    ahead = _ahead(grid, target, ports)
    leaps, tolls = [4 * step for step in grid.steps], grid.tolls
    before: dict[int, int] = {}
    best: dict[int, int] = {}
    heap = [(ahead(start), 0, start, -1) for start in starts]
    heapq.heapify(heap)
    while heap:
        _, less, state, last = heapq.heappop(heap)
        if state in before:
            continue
        before[state] = last
        if state in goals:
            return _traced(before, state), -less
        to = state & 3
        onward = state + leaps[to]
        there = onward >> 2
        found: tuple[tuple[int, int], ...] = ()
        if onward in goals:
            found = ((onward, LENGTH + goals[onward] - less),)
        elif toll := tolls[to & 1][there]:
            cost, lines = toll - less, laid.get(there)
            if not lines:
                found = (onward, cost), (onward ^ 1, cost + BEND), (onward ^ 3, cost + BEND)
            elif len(lines) == 1 and source not in lines and _is_across(lines, to):
                found = ((onward, cost + CROSSING),)
        for after, total in found:
            if total < best.get(after, FAR):
                best[after] = total
                hope = total + ahead(after)
                if hope <= enough:
                    heapq.heappush(heap, (hope, -total, after, state))
    return None


def _ahead(grid: Grid, target: str, ports: Ports) -> Callable[[int], int]:
    """What a way costs at least from a state on."""
    row, track = grid.at(grid.centres[target])
    level, above, below = estimates(ports)
    rise = grid.rises(row)
    shift, mask, middle = grid.bits + 2, (4 << grid.bits) - 1, 4 * track

    def ahead(state: int) -> int:
        y, aside = state >> shift, (state & mask) - middle
        if y < row:
            return above[aside] + rise[y]
        return below[aside] + rise[y] if y > row else level[aside]

    return ahead


def _traced(before: Mapping[int, int], state: int) -> Points:
    """The points of a way, found from its end."""
    points = [state >> 2]
    while (state := before[state]) >= 0:
        points.append(state >> 2)
    return tuple(reversed(points))


def _is_across(lines: Mapping[str, set[int]], to: int) -> bool:
    """Whether the one line at a point runs straight on, across a direction."""
    (other,) = lines.values()
    return other == ({1, 3} if to % 2 == 0 else {0, 2})
