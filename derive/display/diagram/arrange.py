"""The best arrangement that can be found of a graph: the conventional one, improved step by step.

A step moves one node or one column, or exchanges two rails. Those that promise most are tried
first, rather those that move what crosses, and one is kept where lines become shorter or have fewer
bends and crossings. Where no step is left, the search goes on from an arrangement a few steps away.
Nothing is left to chance, so that one cell always gives one picture.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from derive.cell import Cell
from derive.display.diagram.graph import Graph, Node, graph
from derive.display.diagram.outlook import outlook
from derive.display.diagram.place import Placement, place
from derive.display.diagram.route import Routes, improved, route

TRIALS = 90_000  # how many arrangements are tried, over the square of the number of nodes
PROMISING = 25  # how many steps are tried from one arrangement
UNCROSSING = 250  # what a step promises beside that, where it moves what crosses
DETOURS = 40  # how often the search goes on from an arrangement a few steps away
SAMPLES = (6, 10, 15, 30)  # from how many steps it chooses, on the way there
ASIDE = 1.5  # how much dearer that arrangement may be


@dataclass(frozen=True)
class Step:
    """A way to an arrangement one step away.

    moves  the nodes that it puts elsewhere
    place  what they, and all others, come to
    """

    moves: Collection[str]
    place: Callable[[], Placement]


class _Search:
    """A search with so many trials; chance is the same each time."""

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
        crossing = best.crossing
        fresh: dict[tuple, tuple[Placement, bool]] = {}
        for step in _steps(best.grid.placement):
            placement = step.place()
            if placement.is_sound and (layout := _layout(placement)) not in self.tried:
                fresh[layout] = placement, not crossing.isdisjoint(step.moves)

        def hope(candidate: tuple[Placement, bool]) -> int:
            placement, uncrosses = candidate
            return outlook(placement) - UNCROSSING * uncrosses

        for placement, _ in sorted(fresh.values(), key=hope)[: min(self.left, PROMISING)]:
            better = self.tried_out(best, placement)
            if better is not None:
                return better
        return None

    def aside(self, best: Routes) -> Routes | None:
        """An arrangement a few steps away, if it is not much worse."""
        placement = best.grid.placement
        for _ in range(2):
            steps = list(_steps(placement))
            some = [
                step.place()
                for step in self.chance.sample(steps, min(self.chance.choice(SAMPLES), len(steps)))
            ]
            sound = [step for step in some if step.is_sound]
            placement = min(sound, key=outlook, default=placement)
        return None if _layout(placement) in self.tried else self.tried_out(best, placement, ASIDE)

    def tried_out(self, best: Routes, placement: Placement, worse: float = 1.0) -> Routes | None:
        """The lines of another arrangement, if they cost little enough."""
        self.tried.add(_layout(placement))
        self.left -= 1
        return improved(best, placement, worse)


def arranged(cell: Cell) -> Routes:
    """A cell's graph with all nodes and lines in their places. It is dear, and the forward pass
    and the backward pass are drawn on the same one."""
    return arrange(graph(cell))


def arrange(graph: Graph) -> Routes:
    """A graph with all nodes and lines in their places."""
    search = _Search(graph)
    best = search.climb(route(place(graph)))
    for _ in range(DETOURS):
        other = search.aside(best) if search.left > 0 else None
        if other is not None:
            best = min(best, search.climb(other), key=lambda routes: routes.cost)
    return best


def _layout(placement: Placement) -> tuple:
    return placement.columns, tuple(placement.row.items())


def _steps(placement: Placement) -> Iterator[Step]:
    """What leads to the arrangements that are one step away."""
    inner = range(1, len(placement.columns) - 2)
    graph = placement.graph
    for at in inner:
        for to in inner:
            yield Step(placement.columns[at], partial(placement.shifted, at, to))
    entering = [node.names[0] for node in graph.of_kind("enter")]
    for one, other in combinations(entering, 2):
        if (one in graph.rails) == (other in graph.rails):
            both = [key for s in (one, other) for key in (f"enter {s}", *graph.rails.get(s, ()))]
            yield Step(both, partial(placement.exchanged, one, other))
    for node in graph.of_kind("operation", "state"):
        yield from _moves(placement, node)


def _moves(placement: Placement, node: Node) -> Iterator[Step]:
    """What puts one operation elsewhere: near what it reads or is read by."""
    graph, key = placement.graph, node.key
    beside = {key, *(operand.source for operand in node.operands), *graph.readers[key]}
    columns = {placement.column[k] + d for k in beside for d in (-1, 0, 1)}
    columns &= {*range(1, len(placement.columns) - 2)}
    rows = {placement.row[k] + d for k in beside for d in (-1, 0, 1)}
    rails = {placement.row[f"enter {state}"] for state in graph.rails}
    inner = {*range(1 + min(rails, default=0), placement.layers)}
    on_rail = key in graph.on_rail
    for column in sorted(columns):
        for row in [placement.row[key]] if on_rail else sorted(rows & inner - rails):
            yield Step([key], partial(placement.moved, key, column, row))
            yield Step([key], partial(placement.apart, key, column, row))
        for row in [] if on_rail else sorted(rows & inner):
            yield Step([key], partial(placement.between, key, column, row))
