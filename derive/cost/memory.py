"""The memory of a module at its peak, predicted from the arrays that its routines make.

Counts are numbers of entries, as formulas in T, B and the sizes. What the caller gives, parameters,
inputs and the derivatives by the outputs, is not counted; the outputs and the gradients are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from derive.cost.measured import B, T
from derive.cost.predicted import parameters, size
from derive.nodes import Axes, Axis, Quantity, Size
from derive.program.buffers import Buffer, Span
from derive.program.program import Program

ROWS: Mapping[Span, sp.Expr] = {
    Span.ONCE: sp.S.One,
    Span.STEP: B,
    Span.STEPS: T * B,
    Span.TRAJECTORY: (T + 1) * B,
}
COUNT = sp.Symbol("N", positive=True)  # the steps of a segment


@dataclass(frozen=True)
class Memory:
    """What forward and backward take, of all steps or of a segment of them.

    tape      what forward leaves
    forward   what it makes beside, and has no more when it has ended
    backward  what backward makes, but for what it gives
    """

    tape: sp.Expr
    forward: sp.Expr
    backward: sp.Expr


def entries(buffers: Iterable[Buffer]) -> sp.Expr:
    """How many entries arrays have."""
    return sp.Add(*(ROWS[b.span] * lengths(b.parts) for b in buffers))


def lengths(quantities: Iterable[Quantity]) -> sp.Expr:
    """How many entries quantities have side by side."""
    return sp.Add(*(size(q.axes) for q in quantities))


def peak(program: Program, memory: Memory, worth: int) -> sp.Expr:
    """How many numbers there are at the most, in forward and in backward after it.

    worth  how many steps of sequences a segment has at the least, where there are checkpoints
    """
    cell = program.cell
    ys, dxs = T * B * lengths([cell.output]), T * B * lengths(cell.inputs)
    state, gradient = B * lengths(cell.states), parameters(program)
    if program.store != "checkpoints":
        there = ys + state + memory.tape
        return there + sp.Max(memory.forward, memory.backward + dxs + gradient + state)
    tape, forward, backward = (
        part.subs(T, COUNT) for part in (memory.tape, memory.forward, memory.backward)
    )
    ys_part, dxs_part = ys.subs(T, COUNT), dxs.subs(T, COUNT)
    there = ys + state * sp.ceiling(T / COUNT) + tape  # the tape of the last segment
    again = sp.Max(tape + forward + ys_part, tape + backward + dxs_part + gradient)
    several = there + sp.Max(tape + forward + ys_part, dxs + 2 * gradient + again)
    steps = sp.Min(T, sp.Max(sp.ceiling(sp.sqrt(T)), sp.floor(worth / B)))
    return several.subs(COUNT, steps)


def at(count: sp.Expr, steps: int, sequences: int, sizes: Mapping[Axis, int]) -> int:
    """A count, for so many steps and sequences of a cell of these sizes."""
    values = {Size(axis): length for axis, length in sizes.items()}
    return int(count.subs({**values, T: steps, B: sequences}))


def wide(axes: Axes, rows: sp.Expr = T * B) -> sp.Expr:
    """How many entries a quantity of these axes has in all rows."""
    return rows * size(axes)
