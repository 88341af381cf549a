"""The best arrangement that can be found of a graph: the conventional one, improved step by step.

A step exchanges two columns or moves one operation. It is kept where lines become shorter or have
fewer bends and crossings. The steps are tried in a fixed order, so that one cell always gives one
picture.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.display.diagram.graph import Graph
from derive.display.diagram.place import Placement, place
from derive.display.diagram.route import Routes, improved, route

TRIALS = 30_000  # how many arrangements are tried, over the square of the number of nodes


def arrange(graph: Graph) -> Routes:
    """The graph with all nodes and lines in their places."""
    best = route(place(graph))
    left = max(30, TRIALS // len(graph.nodes) ** 2)
    seen = {_layout(best.grid.placement)}
    while left > 0:
        better = None
        for candidate in _steps(best.grid.placement):
            if left > 0 and candidate.is_sound and _layout(candidate) not in seen:
                seen.add(_layout(candidate))
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


def _steps(placement: Placement) -> Iterator[Placement]:
    """The arrangements that are one step away."""
    for at in range(1, len(placement.columns) - 2):
        yield placement.swapped(at)
    graph = placement.graph
    rows = range(1 + len(graph.rails), placement.layers)
    for node in graph.of_kind("operation"):
        if node.key in graph.on_rail:
            for column in range(1, len(placement.columns) - 1):
                yield placement.moved(node.key, column, placement.row[node.key])
        else:
            home = placement.column[node.key]
            near = sorted(range(1, len(placement.columns) - 1), key=lambda c: abs(c - home))
            for column in near[:5]:
                for row in rows:
                    yield placement.moved(node.key, column, row)
