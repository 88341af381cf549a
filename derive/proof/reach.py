"""The proof that every parameter can be trained: some loss has a gradient by it.

A parameter that is read through nothing but functions of slope zero, such as `sign`, or whose share
cancels, as that of a number added to a vector before `standardise` does, has the derivative zero
whatever the loss; it would stay as it was drawn without a word.
"""

from __future__ import annotations

from derive.cell import Cell
from derive.nodes import Quantity, symbols_of
from derive.proof import Outcome
from derive.proof.identity import Network

ANY = "each receives a gradient"


def outcome(network: Network) -> Outcome:
    """The derived gradient of every parameter that is trained is a function that is not zero."""
    cell = network.cell
    moved = {
        name for name, _, gradient in network.leaves() if network.points.values(gradient).any()
    }
    still = [p.name for p in cell.trained if p.name not in moved]
    count = f"{len(cell.trained) - len(still)} of {len(cell.trained)}"
    if still:
        return Outcome(False, count, f"{', '.join(still)}: no loss has a gradient by it")
    seen = seen_by_outputs(cell)
    late = [p.name for p in cell.trained if p not in seen]
    remark = f"{ANY}; {', '.join(late)} from the last states alone" if late else ANY
    return Outcome(True, count, remark)


def seen_by_outputs(cell: Cell) -> set[Quantity]:
    """What the outputs depend on, at this step or at a later one."""
    reads = {e.lhs: symbols_of(e.rhs) for e in cell.equations}
    reads |= {state: frozenset({new}) for state, new in cell.updates.items()}
    seen: set[Quantity] = set()
    waiting = {cell.output}
    while waiting:
        seen |= waiting
        waiting = {q for one in waiting for q in reads.get(one, ())} - seen
    return seen
