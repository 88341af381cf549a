"""The memory of a module at its peak, predicted from the arrays that its routines make.

Counts are numbers of entries, as formulas in T, B and the sizes. What the caller gives, parameters,
inputs and the derivatives by the outputs, is not counted; the outputs and the gradients are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from derive.cost import measured
from derive.cost.predicted import parameters, size
from derive.nodes import Axis, Quantity, Size
from derive.program.buffers import Buffer, Span
from derive.program.program import Program

ROWS: Mapping[Span, sp.Expr] = {
    Span.ONCE: sp.S.One,
    Span.STEP: measured.B,
    Span.STEPS: measured.T * measured.B,
    Span.TRAJECTORY: (measured.T + 1) * measured.B,
}


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


def peak(
    program: Program, memory: Memory, worth: int, T: int, B: int, sizes: Mapping[Axis, int]
) -> int:
    """How many numbers there are at the most, in forward and in backward after it, for T steps of B
    sequences.

    worth  how many steps of sequences a segment has at the least, where there are checkpoints
    """
    cell = program.cell
    state, gradient = B * lengths(cell.states), parameters(program)
    ys, dxs = ROWS[Span.STEPS] * lengths([cell.output]), ROWS[Span.STEPS] * lengths(cell.inputs)

    def of(count: sp.Expr, steps: int) -> int:
        return at(count, steps, B, sizes)

    if program.store != "checkpoints":
        later = memory.backward + dxs + gradient + state
        return of(ys + state + memory.tape, T) + max(of(memory.forward, T), of(later, T))
    length = max(math.isqrt(max(T - 1, 0)) + 1, worth // max(B, 1))
    count = max(-(-T // length), 1)
    last = T - (count - 1) * length
    first = length if count > 1 else last
    again = of(memory.tape + memory.forward + ys, first)
    back = of(memory.tape + memory.backward + dxs + gradient, first)
    before = of(memory.tape, first if count > 2 else last if count > 1 else 0)
    behind = of(memory.tape, last) if count > 1 else 0
    later = of(dxs + 2 * gradient, T) + behind + max(again, back)
    return of(ys + (count + 1) * state, T) + max(before + again, later)


def at(count: sp.Expr, steps: int, sequences: int, sizes: Mapping[Axis, int]) -> int:
    """A count, for so many steps and sequences of a cell of these sizes."""
    values = {Size(axis): length for axis, length in sizes.items()}
    return int(sp.sympify(count).subs({**values, measured.T: steps, measured.B: sequences}))
