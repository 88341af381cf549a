"""What the routines of a NumPy module take: their arrays, and those that NumPy makes on the way."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derive.backends import STORES
from derive.backends.numpy.module import Module
from derive.backends.numpy.phase import Phase
from derive.backends.numpy.routine import Routine
from derive.cell import Cell
from derive.cost.measured import B, T
from derive.cost.memory import Memory, entries, lengths, peak
from derive.cost.predicted import size
from derive.nodes import Axis, axes_of
from derive.program.buffers import Buffer, Role
from derive.program.program import Program
from derive.program.statements import PRODUCTS, Statement, Total


def memory(module: Module) -> Memory:
    """The memory of forward and backward."""
    tape = entries(kept(module))
    return Memory(tape, made(module.forward) - tape, made(module.backward))


def peaks(cell: Cell, T: int, B: int, sizes: Mapping[Axis, int]) -> dict[str, int]:
    """How many numbers forward and backward take at the most, T steps of B sequences, for each
    choice of what is kept."""
    modules = {store: Module(Program(cell, store)) for store in STORES}
    return {
        store: peak(made_of.program, memory(made_of), made_of.worth, T, B, sizes)
        for store, made_of in modules.items()
    }


def kept(module: Module) -> list[Buffer]:
    """What the tape refers to: arrays of one shape are one piece of memory, and stay together."""
    region = module.forward.memory.region
    regions = map(region, ((q,) for q in module.calls.tape.regions if q not in module.cell.given))
    tape = {found.buffer for found in regions}
    return [b for alike in module.forward.views.kept if tape & {*alike} for b in alike]


def made(routine: Routine) -> sp.Expr:
    """How many numbers a routine's arrays have at the most, but for the one that it gives."""
    own = [b for b in routine.memory.own if b.role is not Role.RESULT]
    early, late = routine.before.scratch, routine.after.scratch
    once = sp.Add(*(lengths(array.parts) for array in {**late, **early}.values()))
    step = sp.Add(*(lengths(array.parts) for array in routine.during.scratch.values()))
    on_the_way = [made_by(s, at) for at in (routine.before, routine.after) for s in at.statements]
    return entries(own) + T * B * (once + sp.Max(0, *on_the_way)) + B * step


def made_by(s: Statement, at: Phase) -> sp.Expr:
    """How many numbers NumPy puts somewhere while a line runs, for each row."""
    if isinstance(s, PRODUCTS) and s.adds:
        return lengths(s.outs)
    if isinstance(s, Total) and s.expr.args and not at.factors(s):
        _, _, rest = at.parted(s)
        return len(s.outs) * size(axes_of(rest)) if rest != 0 else sp.S.Zero
    return sp.S.Zero
