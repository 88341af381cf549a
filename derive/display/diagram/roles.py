"""What each thing on a picture is in the cell: it decides its colour, and the words for it.

The hidden state is the state that the cell gives as its output, any other state is a memory; where
they lie does not matter. Whether the new value *adds* to the old is asked by
`derive.display.trace.roles`, and what is left of a gradient on the way by `derive.jacobian.rail`.
"""

from __future__ import annotations

from collections.abc import Set

from derive.cell import Cell, settled
from derive.display.diagram.graph import Graph, Node
from derive.nodes import Quantity, symbols_of


def roles(graph: Graph) -> dict[str, str]:
    """The role of each node.

    hidden      the state that is the output
    memory      any other state
    output      an output that is no state
    input       an input
    gate        a layer whose value, between 0 and 1, multiplies something
    candidate   any other layer
    fixed       a layer of which nothing is trained
    operation   what is elementwise
    line        lines that were merged
    """
    cell = graph.cell
    constant = settled(cell.parameters, cell.equations)
    learnt = constant - settled(cell.constants, cell.equations)
    return {
        key: layer_role(graph, node, learnt) if node.kind == "layer" else line_role(graph, node)
        for key, node in graph.nodes.items()
    }


def layer_role(graph: Graph, layer: Node, learnt: Set[Quantity]) -> str:
    """The role of a layer, given what is trained or depends on what is."""
    if learnt.isdisjoint(symbols_of(layer.expr)):
        return "fixed"
    return "gate" if is_gate(graph, layer) else "candidate"


def is_gate(graph: Graph, layer: Node) -> bool:
    """Whether a layer is a gate; a sigmoid that has no name of its own may be one as well."""
    if {*graph.cell.gates} & {*layer.names}:
        return True
    readers = [graph.nodes[key] for key in graph.readers[layer.key]]
    for reader in [r for r in readers if r.label == "1 -"]:
        readers += [graph.nodes[key] for key in graph.readers[reader.key]]
    return layer.label == "sigmoid" and any(reader.label == "*" for reader in readers)


def line_roles(graph: Graph) -> dict[str, str]:
    """The role of the line that leaves each node: a state's, an output's, an input's, or none in
    particular."""
    return {key: line_role(graph, node) for key, node in graph.nodes.items()}


def line_role(graph: Graph, node: Node) -> str:
    """The role of the line that leaves a node."""
    if node.kind == "input":
        return "input"
    for state, new in graph.cell.updates.items():
        if {state, new} & {*node.names}:
            return state_role(graph.cell, state)
    if node.key in graph.on_rail:
        return state_role(graph.cell, graph.on_rail[node.key])
    if graph.cell.output in node.names:
        return "output"
    return "operation" if node.kind == "operation" else "line"


def state_role(cell: Cell, state: Quantity) -> str:
    """Whether a state is the hidden state, which the cell gives as its output, or a memory."""
    return "hidden" if cell.updates[state] == cell.output else "memory"
