"""The best arrangement that can be found of a graph: the conventional one, improved step by step.

A step moves one node or one column, or exchanges two rails. Those that promise most are tried
first, and one is kept where lines become shorter or have fewer bends and crossings. The order is
fixed, so that one cell always gives one picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from derive.display.diagram.graph import Graph
from derive.display.diagram.outlook import outlook
from derive.display.diagram.place import Placement, place
from derive.display.diagram.route import Routes, improved, route

TRIALS = 60_000  # how many arrangements are tried, over the square of the number of nodes
PROMISING = 40  # how many steps are tried from one arrangement


def arrange(graph: Graph) -> Routes:
    """The graph with all nodes and lines in their places."""
    best = route(place(graph))
    left = max(10, TRIALS // len(graph.nodes) ** 2)
    tried = {_layout(best.grid.placement)}
    while left > 0:
        better = None
        for candidate in _promising(best.grid.placement, tried)[:left]:
            tried.add(_layout(candidate))
            left -= 1
            better = improved(best, candidate)
            if better is not None:
                break
        if better is None:
            break
        best = better
    return best


def _layout(placement: Placement) -> tuple:
    return placement.columns, tuple(placement.row.items())


def _promising(placement: Placement, tried: set[tuple]) -> list[Placement]:
    """The arrangements that are one step away, the best ones first by a rough estimate."""
    new = {_layout(step): step for step in _steps(placement)}
    sound = [step for key, step in new.items() if key not in tried and step.is_sound]
    return sorted(sound, key=outlook)[:PROMISING]


def _steps(placement: Placement) -> Iterator[Placement]:
    """The arrangements that are one step away."""
    inner = range(1, len(placement.columns) - 2)
    graph = placement.graph
    for at in inner:
        for to in inner:
            yield placement.shifted(at, to)
    for one, other in combinations(graph.cell.states, 2):
        if (one in graph.rails) == (other in graph.rails):
            yield placement.exchanged(one, other)
    rows = range(1 + len(graph.rails), placement.layers)
    for node in graph.of_kind("operation"):
        fixed = node.key in graph.on_rail
        for row in [placement.row[node.key]] if fixed else rows:
            for column in inner:
                yield placement.moved(node.key, column, row)
                yield placement.apart(node.key, column, row)
