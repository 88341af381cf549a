"""Zoneout, as equations: a cell with a mask for each of its states, an input like any other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.cell import Cell, Equation
from derive.names import fresh
from derive.nodes import Quantity


def zoneout(cell: Cell, states: Iterable[Quantity]) -> tuple[Cell, dict[Quantity, Quantity]]:
    """The cell whose states, some of them, keep what they were wherever a mask is 0; and the mask
    of each.

    ``h_next = m_h * h_new + (1 - m_h) * h``, where h_new is what the cell's equation gives. Other
    equations read h_new, and the output is h_next where it was the state's new value. Krueger et
    al. (2016), Zoneout: regularizing RNNs by randomly preserving hidden activations, arXiv
    1606.01305.
    """
    taken = {q.name for q in cell.quantities}
    masks, renamed, zoned = {}, {}, []
    for state in states:
        new = cell.updates[state]
        made = renamed[new] = Quantity(fresh(f"{state}_new", taken), new.axes)
        mask = masks[state] = Quantity(fresh(f"m_{state}", taken), state.axes)
        order = (mask.name, made.name, mask.name, state.name)
        zoned.append(Equation(new, mask * made + (1 - mask) * state, order))
    names = {q.name: made.name for q, made in renamed.items()}
    own = (
        Equation(
            renamed.get(e.lhs, e.lhs),
            e.rhs.xreplace(renamed),
            tuple(names.get(name, name) for name in e.order),
        )
        for e in cell.equations
    )
    zoned_cell = replace(
        cell,
        name=f"{cell.name}_zoneout",
        title=f"{cell.title}Zoneout",
        inputs=(*cell.inputs, *masks.values()),
        equations=(*own, *zoned),
    )
    return zoned_cell, masks
