"""Which cells are most like a cell, and what sets it apart from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from derive.cell import Cell
from derive.display.compare.difference import between
from derive.display.diagram.graph import graph
from derive.display.mathml import MathML, Row
from derive.site.facts import Facts

COUNT = 3
CANDIDATES = 8  # how many are compared equation by equation


@dataclass(frozen=True)
class Neighbour:
    """A cell that is like another.

    cell     what the site says of it
    theirs   the equations of one step that only it has, or has otherwise
    ours     those that it has not, or otherwise
    renamed  what it calls otherwise, by its names
    """

    cell: Facts
    theirs: tuple[Row, ...]
    ours: tuple[Row, ...]
    renamed: Mapping[str, str]

    @property
    def gap(self) -> int:
        """How many equations set the two apart."""
        return max(len(self.theirs), len(self.ours))


class Neighbourhood:
    """Cells, each among those that are most like it."""

    def __init__(self, cells: Iterable[Facts]):
        self.cells = {facts.name: facts for facts in cells}
        self.marks = {name: _marks(facts.cell) for name, facts in self.cells.items()}

    def of(self, name: str) -> list[Neighbour]:
        """The cells that the fewest equations set apart from one, among those that share the
        largest part of what they compute."""
        alike = {other: self.alike(name, other) for other in self.marks if other != name}
        nearest = sorted((other for other in alike if alike[other]), key=lambda o: (-alike[o], o))
        found = [apart(self.cells[name], self.cells[other]) for other in nearest[:CANDIDATES]]
        return sorted(found, key=lambda neighbour: neighbour.gap)[:COUNT]

    def alike(self, one: str, two: str) -> float:
        """The share of what two cells compute that both do."""
        ours, theirs = self.marks[one], self.marks[two]
        return len(ours & theirs) / len(ours | theirs)


def apart(cell: Facts, other: Facts) -> Neighbour:
    """What the equations of one step of two cells do not have in common."""
    found = between(other.book, cell.book)
    printers = MathML(found.old), MathML(found.new)
    changes = [change for change in found.sections["forward"] if not change.same]
    return Neighbour(
        other,
        tuple(printers[0].row(change.old) for change in changes if change.old),
        tuple(printers[1].row(change.new) for change in changes if change.new),
        found.renamed,
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
