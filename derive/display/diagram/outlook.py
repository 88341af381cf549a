"""What an arrangement promises: a rough estimate of what its lines will cost, before any is laid."""

from __future__ import annotations

from collections import defaultdict

from derive.display.diagram.grid import BEND
from derive.display.diagram.place import Placement

ROW, COLUMN, CROSSING = 12, 20, 90


def outlook(placement: Placement) -> int:
    """About what the lines of an arrangement cost, each as straight as it could be."""
    row, column, graph = placement.row, placement.column, placement.graph
    in_column: defaultdict[int, list[int]] = defaultdict(list)
    in_row: defaultdict[int, list[int]] = defaultdict(list)
    for key, at in column.items():
        in_column[at].append(row[key])
        in_row[row[key]].append(at)
    rails = [row[f"enter {state}"] for state in graph.cell.states]
    total = 3 * COLUMN * len(placement.columns)
    for node in graph.nodes.values():
        for operand in node.operands:
            y, x, y2, x2 = row[operand.source], column[operand.source], row[node.key], column[node.key]
            total += ROW * abs(y2 - y) + COLUMN * abs(x2 - x)
            total += CROSSING * sum(min(y, y2) < rail < max(y, y2) for rail in rails)
            blocked = min(_between(y, y2, in_column[x2]), _between(x, x2, in_row[y]) + _between(y, y2, in_column[x2]))
            if x == x2 or y == y2:
                inside = in_column[x] if x == x2 else in_row[y]
                total += 2 * BEND * bool(_between(y, y2, inside) if x == x2 else _between(x, x2, inside))
            else:
                over = _between(x, x2, in_row[y]) or _between(y, y2, in_column[x2])
                under = _between(y, y2, in_column[x]) or _between(x, x2, in_row[y2])
                total += BEND * (3 if over and under else 1)
            if node.kind == "layer" and y < y2:
                total += BEND
    return total


def _between(one: int, two: int, places: list[int]) -> bool:
    low, high = min(one, two), max(one, two)
    return any(low < at < high for at in places)
