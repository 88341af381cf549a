"""A cell as the page's own script has it: names, shapes, and the values that it starts from."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.cell import Cell
from derive.display.about import first_value
from derive.display.diagram.graph import graph
from derive.display.diagram.roles import line_roles
from derive.nodes import Quantity


def brief(cell: Cell) -> dict[str, Any]:
    """What the page's own script has to know of a cell."""
    lines = line_roles(graph(cell))

    def axes(q: Quantity) -> list[str]:
        return [axis.letter for axis in q.axes]

    return {
        "name": cell.name,
        "inputs": [{"name": q.name, "axes": axes(q)} for q in cell.inputs],
        "output": {"name": cell.output.name, "axes": axes(cell.output)},
        "states": [
            {
                "name": s.name,
                "axes": axes(s),
                "start": cell.starts.get(s.name, 0.0),
                "role": lines[f"enter {s}"],
                "teaching": cell.starts.get(s.name, 1.0),
            }
            for s in cell.states
        ],
        "parameters": [
            {
                "name": p.name,
                "axes": axes(p),
                "first": first_value(cell, p),
                "teaching": teaching(cell, p),
            }
            for p in cell.parameters
        ],
        "axes": [{"letter": a.letter, "argument": a.argument} for a in cell.axes],
        "updates": {state.name: new.name for state, new in cell.updates.items()},
        "gates": [gate.name for gate in cell.gates],
    }


def teaching(cell: Cell, parameter: Quantity) -> float:
    """The value of a parameter of one unit in the sources' worked example: 1 for the weights of
    the input, 2 for those of states, 0 for biases."""
    if len(parameter.axes) == 2:
        return 1.0 if parameter.axes[1:] == cell.input.axes else 2.0
    sums = {term for e in cell.equations for s in e.rhs.atoms(sp.Add) for term in s.args}
    return 0.0 if parameter in sums else first_value(cell, parameter) or 0.5
