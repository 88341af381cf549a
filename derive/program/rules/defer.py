"""The rule that computes after the loop what no step waits for."""

from __future__ import annotations

from dataclasses import replace

from derive.cell import Equation
from derive.nodes import Quantity, is_matrix, symbols_of
from derive.program.loop import Loop, needed_for


def defer(loop: Loop) -> Loop:
    """Move what the next step does not depend on out of the loop: weight gradients above all. What
    reads a matrix that a step made stays: the matrix would have to be kept for all steps."""
    entering = {c.entering for c in loop.carries}  # known only within its own step
    large = {e.lhs for e in loop.during if is_matrix(e.lhs) and e.lhs not in loop.wanted}
    bound = {e.lhs for e in loop.during if entering & symbols_of(e.rhs) or _stays(e, large, loop)}
    needed = needed_for(bound | {c.leaving for c in loop.carries}, loop.during)
    during = tuple(e for e in loop.during if e.lhs in needed)
    later = tuple(e for e in loop.during if e.lhs not in needed)
    return replace(loop, during=during, after=(*later, *loop.after))


def _stays(equation: Equation, large: set[Quantity], loop: Loop) -> bool:
    """Whether an equation makes a matrix of each step, or reads one."""
    is_large = bool(large & {equation.lhs, *symbols_of(equation.rhs)})
    return is_large and equation.lhs not in loop.totals
