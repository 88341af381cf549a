"""What each thing on a picture is in the cell: it decides its colour, and the words for it.

A state is a memory here if it has a rail, any operations between its old value and its new one.
Whether the new value *adds* to the old is asked by `derive.display.trace.roles`, and what is left
of a gradient on the way by `derive.jacobian.rail`.
"""

from __future__ import annotations

from derive.display.diagram.graph import Graph, Node


def roles(graph: Graph) -> dict[str, str]:
    """The role of each node.

    memory, hidden   a state: one with operations on its rail, or one that is only handed on
    input            an input
    gate             a layer whose value, between 0 and 1, multiplies something
    candidate        any other layer
    operation        what is elementwise
    line             lines that were merged
    """
    return {
        key: ("gate" if is_gate(graph, node) else "candidate")
        if node.kind == "layer"
        else line_role(graph, node)
        for key, node in graph.nodes.items()
    }


def is_gate(graph: Graph, layer: Node) -> bool:
    """Whether a layer is a gate; a sigmoid that has no name of its own may be one as well."""
    if {*graph.cell.gates} & {*layer.names}:
        return True
    readers = [graph.nodes[key] for key in graph.readers[layer.key]]
    for reader in [r for r in readers if r.label == "1 -"]:
        readers += [graph.nodes[key] for key in graph.readers[reader.key]]
    return layer.label == "sigmoid" and any(reader.label == "*" for reader in readers)


def line_roles(graph: Graph) -> dict[str, str]:
    """The role of the line that leaves each node: a state's, an input's, or none in particular."""
    return {key: line_role(graph, node) for key, node in graph.nodes.items()}


def line_role(graph: Graph, node: Node) -> str:
    """The role of the line that leaves a node."""
    if node.kind == "input":
        return "input"
    if node.kind == "state":
        return "memory"
    for state, new in graph.cell.updates.items():
        if {state, new} & {*node.names}:
            return "memory" if state in graph.rails else "hidden"
    if node.key in graph.on_rail:
        return "memory"
    return "operation" if node.kind == "operation" else "line"
