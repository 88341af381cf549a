"""A picture in words: for a screen reader, and for whoever points at a part of it."""

from __future__ import annotations

from derive.display.about import inputs, listed
from derive.display.derivation import Textbook
from derive.display.diagram.graph import Graph, Node
from derive.display.formula import plain
from derive.display.unicode import Unicode
from derive.nodes import Quantity


class Told:
    """The words for a cell's picture."""

    def __init__(self, book: Textbook):
        self.printer = Unicode(book)
        self.equations = {e.lhs: e for e in book.forward}

    def node(self, node: Node) -> str:
        """What a node computes, as an equation where it has a name."""
        for name in node.names:
            if name in self.equations:
                return self.equation(name)
        return self.formula(node)

    def equation(self, name: Quantity) -> str:
        """A quantity's equation."""
        left, right = self.printer.sides(self.equations[name])
        return plain(f"{left} = {right}")

    def formula(self, node: Node) -> str:
        """What a node computes, as a formula."""
        try:
            return plain(self.printer(node.expr))
        except TypeError:  # an operation that only the picture has
            return node.label

    def picture(self, graph: Graph) -> str:
        """The whole picture."""
        symbol = self.printer.symbol
        memory = [s for s in graph.cell.states if s in graph.rails]
        handed = [s for s in graph.cell.states if s not in graph.rails]
        cell, number = graph.cell, graph.cell.number
        enter = "enters" if len(cell.inputs) == 1 else "enter"
        parts = [f"The {inputs(cell)} {listed(map(symbol, cell.inputs))} {enter} from below."]
        parts += [f"So does the number of the step, {symbol(number)}."] if number else []
        parts += [
            f"The state {symbol(s)} runs along the top, through "
            f"{listed(graph.nodes[key].label for key in graph.rails[s])}."
            for s in memory
        ]
        parts += [f"The state {symbol(s)} is handed on along the bottom." for s in handed]
        parts.append(f"The output {symbol(graph.cell.output)} leaves above.")
        parts.append("; ".join(map(self.equation, self.equations)) + ".")
        return " ".join(parts)
