"""Which cells are most like a cell, and what sets it apart from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from derive.cell import Cell
from derive.display.compare.difference import difference
from derive.display.diagram.graph import graph
from derive.display.mathml import MathML, Row

COUNT = 3


@dataclass(frozen=True)
class Neighbour:
    """A cell that is like another.

    name     its name
    theirs   the equations of one step that only it has, or has otherwise
    ours     those that it has not, or otherwise
    """

    name: str
    theirs: tuple[Row, ...]
    ours: tuple[Row, ...]


def neighbours(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """For each cell, by name, the others that share the largest part of what they compute."""
    marks = {cell.name: (cell, _marks(cell)) for cell in cells}
    found = {}
    for name, (_, own) in marks.items():
        others = [(cell, mark) for other, (cell, mark) in marks.items() if other != name]
        others.sort(key=lambda pair: (-_alike(own, pair[1]), pair[0].name))
        found[name] = [cell for cell, mark in others[:COUNT] if _alike(own, mark) > 0]
    return found


def apart(cell: Cell, other: Cell) -> Neighbour:
    """What the equations of one step of two cells do not have in common."""
    found = difference(other, cell)
    printers = MathML(found.old), MathML(found.new)
    changes = [change for change in found.sections["forward"] if not change.same]
    return Neighbour(
        other.name,
        tuple(printers[0].row(change.old) for change in changes if change.old),
        tuple(printers[1].row(change.new) for change in changes if change.new),
    )


def _marks(cell: Cell) -> frozenset[tuple]:
    """What a cell computes, without the names of its gates: each node of its picture with what it
    reads."""
    nodes = graph(cell).nodes
    shapes: Counter[tuple] = Counter()
    marks = set()
    for node in nodes.values():
        read = tuple(sorted(nodes[o.source].label or o.source for o in node.operands))
        shape = node.kind, node.label, read
        marks.add((*shape, shapes[shape]))
        shapes[shape] += 1
    return frozenset(marks)


def _alike(one: frozenset[tuple], two: frozenset[tuple]) -> float:
    """The share of what two cells compute that both do."""
    return len(one & two) / len(one | two)
