"""Everything a backend needs to write a cell in its language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell
from derive.names import ranks
from derive.nodes import Quantity
from derive.program.assemble import Names, Routine, assemble
from derive.program.layout import Layout, layout
from derive.program.passes import Passes, passes


@dataclass(frozen=True)
class Program:
    """A cell, derived, scheduled and laid out.

    cell      the cell
    adjoint   its equations in normal form and their adjoints
    passes    the loops over time, before they were laid out
    layout    what lies next to what in memory
    names     which parameter, gradient or direction a quantity is
    rank      the order in which quantities are written in sums and products
    forward, backward, jvp, hvp   the routines
    """

    cell: Cell
    adjoint: Adjoint
    passes: Passes
    layout: Layout
    names: Names
    rank: Mapping[str, int]
    forward: Routine
    backward: Routine
    jvp: Routine
    hvp: tuple[Routine, Routine]


def build(cell: Cell, store: str = "all") -> Program:
    """Derive a cell and schedule its four routines. `store` is explained at
    `derive.program.passes.passes`."""
    derived = adjoint(cell)
    loops = passes(derived, store)
    memory = layout(cell, loops.forward, derived.forward)
    names = _names(cell, derived, loops)
    routines = [
        assemble(loop, memory, names)
        for loop in (loops.forward, loops.backward, loops.jvp, *loops.hvp)
    ]
    forward, backward, jvp, there, back = routines
    rank = _rank(cell, derived, loops)
    return Program(cell, derived, loops, memory, names, rank, forward, backward, jvp, (there, back))


def _names(cell: Cell, derived: Adjoint, loops: Passes) -> Names:
    bar, dot = derived.bar, loops.dot
    variants = {
        "{}": {},
        "d{}": bar,
        "{}_dot": dot,
        "d{}_dot": {q: dot[b] for q, b in bar.items() if b in dot},
    }
    parameters: dict[Quantity, tuple[str, Quantity]] = {}
    for p in cell.parameters:
        parameters |= {
            p: ("params", p),
            dot[p]: ("params_dot", p),
            bar[p]: ("dparams", p),
            dot[bar[p]]: ("dparams_dot", p),
        }
    return Names(variants, parameters)


def _rank(cell: Cell, derived: Adjoint, loops: Passes) -> dict[str, int]:
    """Adjoints and tangents first, then the cell's quantities in the order they are defined,
    parameters and all."""
    derivatives = [
        q.name
        for q in (*derived.carry.values(), derived.seed, *derived.bar.values(), *loops.dot.values())
    ]
    forward = [s.name for s in (*cell.parameters, cell.input, *cell.states)]
    return ranks((*derivatives, *forward, *(e.lhs.name for e in derived.forward)))
