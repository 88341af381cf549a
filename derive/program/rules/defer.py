"""The rule that computes after the loop what no step waits for."""

from __future__ import annotations

from dataclasses import replace

from derive.nodes import symbols_of
from derive.program.loop import Loop, needed_for


def defer(loop: Loop) -> Loop:
    """Move what the next step does not depend on out of the loop: weight gradients above all."""
    entering = {c.entering for c in loop.carries}  # known only within its own step
    bound = {e.lhs for e in loop.during if entering & symbols_of(e.rhs)}
    needed = needed_for(bound | {c.leaving for c in loop.carries}, loop.during)
    during = tuple(e for e in loop.during if e.lhs in needed)
    later = tuple(e for e in loop.during if e.lhs not in needed)
    return replace(loop, during=during, after=(*later, *loop.after))
