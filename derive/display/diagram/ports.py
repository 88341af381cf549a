"""Where a line may leave a node, or reach one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from derive.display.diagram.graph import Graph, Operand

RIGHT, DOWN, LEFT, UP = range(4)  # directions: opposite ones differ in the second bit
SIDE = 30  # what it costs to use another port than the usual one


@dataclass(frozen=True)
class Port:
    """A place at a node where a line may arrive or leave.

    aside  how many tracks it lies to the right of the node's middle: -1, 0 or 1
    to     the direction that the line has there
    cost   what it costs
    """

    aside: int
    to: int
    cost: int = 0


Ports = tuple[Port, ...]


def ports_in(graph: Graph, key: str, operand: Operand, is_along: bool, is_below: bool) -> Ports:
    """Where a line may arrive at a node: one along a rail or not, and from below or not."""
    node = graph.nodes[key]
    is_first = node.operands[0] == operand
    return _arriving(node.kind, is_along, key in graph.on_rail, is_first, is_below)


def ports_out(graph: Graph, key: str) -> Ports:
    """Where a line may leave a node."""
    return _leaving(graph.nodes[key].kind, key in graph.on_rail)


@cache
def _arriving(kind: str, is_along: bool, is_on_rail: bool, is_first: bool, is_below: bool) -> Ports:
    if kind == "leave" or is_along:
        return (Port(-1, RIGHT),)
    if kind == "output":
        return (Port(0, UP),)
    if kind == "merge":
        along, across = (0, SIDE) if is_first else (SIDE, 0)
        return Port(-1, RIGHT, along), Port(0, UP, across), Port(0, DOWN, across)
    if kind == "layer":
        return tuple(_of_layer(is_first, is_below))
    upright = Port(0, UP), Port(0, DOWN)
    if is_on_rail and kind != "state":
        return upright
    return *upright, Port(-1, RIGHT), Port(1, LEFT)


def _of_layer(is_first: bool, is_below: bool) -> Iterator[Port]:
    """A layer's ports: what it multiplies arrives in the middle, the rest at its sides."""
    yield Port(0, UP, 0 if is_first else SIDE)
    for aside in (-1, 1):
        yield Port(aside, UP, SIDE if is_first else 0)
        yield Port(aside, DOWN, 4 * SIDE if is_first and is_below else 0)
    yield Port(-1, RIGHT, 2 * SIDE)
    yield Port(1, LEFT, 3 * SIDE)


@cache
def _leaving(kind: str, is_on_rail: bool) -> Ports:
    if kind == "input":
        return (Port(0, UP),)
    if kind in {"enter", "merge"} or is_on_rail:
        return (Port(1, RIGHT),)
    if kind == "layer":
        return Port(0, UP), Port(1, RIGHT)
    return Port(0, UP), Port(0, DOWN), Port(-1, LEFT), Port(1, RIGHT)
