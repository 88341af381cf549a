"""The best arrangement that can be found of a graph: the conventional one, improved step by step.

A step moves one node or one column, or exchanges two rails. Those that promise most are tried
first, and one is kept where lines become shorter or have fewer bends and crossings. Where no step
is left, the search goes on from an arrangement a few steps away. Nothing is left to chance, so that
one cell always gives one picture.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations

from derive.display.diagram.graph import Graph, Node
from derive.display.diagram.outlook import outlook
from derive.display.diagram.place import Placement, place
from derive.display.diagram.route import Routes, improved, route

TRIALS = 30_000  # how many arrangements are tried, over the square of the number of nodes
PROMISING = 25  # how many steps are tried from one arrangement
KICKS = 3
ASIDE = 1.25  # how much dearer an arrangement may be from which the search goes on


class _Search:
    def __init__(self, graph: Graph):
        self.left = max(10, TRIALS // len(graph.nodes) ** 2)
        self.tried: set[tuple] = set()
        self.chance = random.Random(0)

    def climb(self, best: Routes) -> Routes:
        """The best that is found step by step from an arrangement."""
        while (better := self.step(best)) is not None:
            best = better
        return best

    def step(self, best: Routes) -> Routes | None:
        """A better arrangement one step away, the more promising ones tried first."""
        new = {_layout(step): step for step in _steps(best.grid.placement)}
        sound = [step for key, step in new.items() if key not in self.tried and step.is_sound]
        for candidate in sorted(sound, key=outlook)[: min(self.left, PROMISING)]:
            self.tried.add(_layout(candidate))
            self.left -= 1
            better = improved(best, candidate)
            if better is not None:
                return better
        return None

    def aside(self, best: Routes) -> Routes | None:
        """An arrangement a few steps away, if it is not much worse."""
        placement = best.grid.placement
        for _ in range(self.chance.choice([2, 3])):
            steps = [step for step in _steps(placement) if step.is_sound]
            placement = self.chance.choice(sorted(steps, key=outlook)[:PROMISING])
        self.left -= 1
        if _layout(placement) in self.tried:
            return None
        self.tried.add(_layout(placement))
        return improved(best, placement, ASIDE)


def arrange(graph: Graph) -> Routes:
    """The graph with all nodes and lines in their places."""
    search = _Search(graph)
    best = search.climb(route(place(graph)))
    for _ in range(KICKS if search.left > 0 else 0):
        other = search.aside(best)
        if other is not None:
            other = search.climb(other)
            if other.cost < best.cost:
                best = other
    return best


def _layout(placement: Placement) -> tuple:
    return placement.columns, tuple(placement.row.items())


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
    for node in graph.of_kind("operation"):
        yield from _moves(placement, node)


def _moves(placement: Placement, node: Node) -> Iterator[Placement]:
    """The arrangements in which one operation is elsewhere: near what it reads or is read by."""
    graph, key = placement.graph, node.key
    beside = {key, *(operand.source for operand in node.operands), *graph.readers[key]}
    columns = {placement.column[k] + d for k in beside for d in (-1, 0, 1)}
    columns &= {*range(1, len(placement.columns) - 2)}
    rows = {placement.row[k] + d for k in beside for d in (-1, 0, 1)}
    rails = {placement.row[f"enter {state}"] for state in graph.rails}
    inner = {*range(1 + min(rails, default=0), placement.layers)}
    on_rail = key in graph.on_rail
    for row in [placement.row[key]] if on_rail else sorted(rows & inner - rails):
        for column in sorted(columns):
            yield placement.moved(key, column, row)
            yield placement.apart(key, column, row)
    if not on_rail:
        for row in sorted(rows & inner):
            for column in sorted(columns):
                yield placement.between(key, column, row)
