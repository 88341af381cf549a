"""What an arrangement promises: about what its lines will cost, before any is laid."""

from __future__ import annotations

from collections import defaultdict

from derive.display.diagram.estimate import BEND
from derive.display.diagram.graph import Node
from derive.display.diagram.place import Placement

ROW, COLUMN, CROSSING = 12, 20, 90
DETOUR = 3 * BEND


def outlook(placement: Placement) -> int:
    """About what the lines of an arrangement cost, each as straight as it could be."""
    view, nodes = _View(placement), placement.graph.nodes.values()
    lines = sum(view.line(operand.source, node) for node in nodes for operand in node.operands)
    return lines + 3 * COLUMN * len(placement.columns)


class _View:
    """What stands in each row and column, and where the states' lines are: sets of places, each a
    number with a bit for each place."""

    def __init__(self, placement: Placement):
        self.row, self.column = placement.row, placement.column
        self.in_row: defaultdict[int, int] = defaultdict(int)
        self.in_column: defaultdict[int, int] = defaultdict(int)
        for key, at in self.column.items():
            self.in_column[at] |= 1 << self.row[key]
            self.in_row[self.row[key]] |= 1 << at
        self.states = sum({1 << self.row[node.key] for node in placement.graph.of_kind("enter")})

    def line(self, source: str, node: Node) -> int:
        """About what one way costs."""
        y, x, y2, x2 = *self.at(source), *self.at(node.key)
        rows, columns = _between(y, y2), _between(x, x2)
        cost = ROW * abs(y2 - y) + COLUMN * abs(x2 - x)
        cost += CROSSING * (self.states & rows).bit_count()
        cost += BEND * (node.kind == "layer" and y < y2)
        if x == x2:
            return cost + DETOUR * bool(self.in_column[x] & rows)
        if y == y2:
            return cost + DETOUR * bool(self.in_row[y] & columns)
        first = self.in_row[y] & columns or self.in_column[x2] & rows
        other = self.in_column[x] & rows or self.in_row[y2] & columns
        return cost + (DETOUR if first and other else BEND)

    def at(self, key: str) -> tuple[int, int]:
        return self.row[key], self.column[key]


def _between(one: int, two: int) -> int:
    """All places between two, as a set of bits."""
    low, high = (one, two) if one < two else (two, one)
    return (1 << high) - (2 << low) if low < high else 0
