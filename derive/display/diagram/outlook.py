"""What an arrangement promises: about what its lines will cost, before any is laid."""

from __future__ import annotations

from collections import defaultdict

from derive.display.diagram.graph import Node
from derive.display.diagram.grid import BEND
from derive.display.diagram.place import Placement

ROW, COLUMN, CROSSING = 12, 20, 90
DETOUR = 3 * BEND


def outlook(placement: Placement) -> int:
    """About what the lines of an arrangement cost, each as straight as it could be."""
    view, nodes = _View(placement), placement.graph.nodes.values()
    lines = sum(view.line(operand.source, node) for node in nodes for operand in node.operands)
    return lines + 3 * COLUMN * len(placement.columns)


class _View:
    """What stands in each row and column, and where the states' lines are."""

    def __init__(self, placement: Placement):
        self.row, self.column = placement.row, placement.column
        self.in_row: defaultdict[int, list[int]] = defaultdict(list)
        self.in_column: defaultdict[int, list[int]] = defaultdict(list)
        for key, at in self.column.items():
            self.in_column[at].append(self.row[key])
            self.in_row[self.row[key]].append(at)
        self.states = [self.row[node.key] for node in placement.graph.of_kind("enter")]

    def line(self, source: str, node: Node) -> int:
        """About what one way costs."""
        y, x, y2, x2 = *self.at(source), *self.at(node.key)
        cost = ROW * abs(y2 - y) + COLUMN * abs(x2 - x)
        cost += CROSSING * sum(min(y, y2) < row < max(y, y2) for row in self.states)
        cost += BEND * (node.kind == "layer" and y < y2)
        if x == x2:
            return cost + DETOUR * _between(y, y2, self.in_column[x])
        if y == y2:
            return cost + DETOUR * _between(x, x2, self.in_row[y])
        first = _between(x, x2, self.in_row[y]) or _between(y, y2, self.in_column[x2])
        other = _between(y, y2, self.in_column[x]) or _between(x, x2, self.in_row[y2])
        return cost + (DETOUR if first and other else BEND)

    def at(self, key: str) -> tuple[int, int]:
        return self.row[key], self.column[key]


def _between(one: int, two: int, places: list[int]) -> bool:
    """Whether something stands between two places."""
    low, high = min(one, two), max(one, two)
    return any(low < at < high for at in places)
