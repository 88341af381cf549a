"""Runs a program's routines as they stand, statement by statement, on arrays.

It reads nothing but the values that a backend is given: buffers, regions, statements. A nest of
loops is run entry by entry, each of its local values a number. So what a program says is complete,
and right, before any language has a word in it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import reference

from derive.nodes import Axis, Quantity
from derive.program.buffers import Buffer, Span
from derive.program.interface import Call
from derive.program.program import Program
from derive.program.statements import (
    Activate,
    Bias,
    Compute,
    Copy,
    Fused,
    OuterTotal,
    Product,
    PullBack,
    Reduce,
    Total,
)
from derive.program.variants import Variant


class Machine:
    """Arrays for a program, and what runs its routines.

    parameters  for each variant, the values of the parameters by name
    """

    def __init__(
        self,
        program: Program,
        sizes: dict[Axis, int],
        shape: tuple[int, int],
        parameters: dict[Variant, dict[str, np.ndarray]],
    ):
        self.program, self.sizes = program, sizes
        self.letters = {axis.letter: n for axis, n in sizes.items()}
        self.T, self.B = shape
        self.parameters = parameters
        self.arrays: dict[Buffer, np.ndarray] = {}

    # memory

    def width(self, axes: Iterable[Axis]) -> int:
        return sum(self.sizes[axis] for axis in axes)

    def new(self, buffer: Buffer) -> np.ndarray:
        """An array that holds nothing yet."""
        leading = {
            Span.ONCE: (),
            Span.STEP: (self.B,),
            Span.STEPS: (self.T, self.B),
            Span.TRAJECTORY: (self.T + 1, self.B),
        }[buffer.span]
        return np.full((*leading, self.width(buffer.axes) or 1), np.nan)

    def give(self, buffer: Buffer, values: np.ndarray) -> None:
        self.arrays[buffer] = np.array(values, float)

    def view(self, call: Call, group: tuple[Quantity, ...], t: int | None) -> np.ndarray:
        """What a quantity, or several side by side, are: at step t, or at all of them."""
        known = self.program.parameters
        if group[0] in known:
            found = [self.parameters[known[q][0]][known[q][1].name] for q in group]
            return found[0] if len(found) == 1 else np.concatenate(found)
        region = call.memory.region(group)
        array = self.arrays[region.buffer]
        if region.buffer.span is Span.TRAJECTORY:
            array = array[region.shift :][: self.T]
        if region.buffer.span in (Span.STEPS, Span.TRAJECTORY) and t is not None:
            array = array[t]
        start, own = (
            self.width(axis for q in parts for axis in q.axes)
            for parts in (region.before, region.parts)
        )
        return array[..., start : start + (own or 1)]

    # routines

    def run(self, call: Call, starts: dict[tuple[Variant, str], np.ndarray], lengths) -> None:
        """Run a routine, from the states it starts with."""
        routine = call.routine
        for buffer in call.memory.own:
            self.arrays[buffer] = self.new(buffer)
        for start in call.starts:
            entering = call.memory.region((start.entering,)).buffer
            first = self.arrays[entering]
            first = first[0] if entering.span is Span.TRAJECTORY else first
            first[...] = starts[start.variant, start.state.name]
        self.do(call, routine.before, None)
        steps = range(self.T)
        for t in reversed(steps) if routine.loop.reverse else steps:
            self.step(call, t, t >= np.asarray(lengths), is_first=t == 0)
        self.do(call, routine.after, None)

    def step(self, call: Call, t: int, past: np.ndarray, *, is_first: bool) -> None:
        ended, loop = call.routine.ended, call.routine.loop
        carried = {c: call.memory.region((c.entering,)).buffer for c in ended.restored}
        before = {c: self.arrays[buffer].copy() for c, buffer in carried.items()}
        self.do(call, call.routine.during, t)
        if call.routine is self.program.routines["forward"] and is_first:
            return  # every sequence takes one step, so that what is kept is finite
        for group in ended.masked:
            self.view(call, group, t)[past] = 0
        for carry in ended.held:
            new, old = (self.view(call, (q,), t) for q in (carry.leaving, carry.entering))
            new[past] = old[past]
        for carry, values in before.items():
            self.arrays[carried[carry]][past] = values[past]
        assert loop.reverse or not ended.masked

    def do(self, call: Call, statements, t: int | None) -> None:
        for s in statements:
            self.one(call, s, t)

    def one(self, call: Call, s, t: int | None) -> None:
        def get(*group):
            return self.view(call, group, t)

        match s:
            case Fused():
                self.nest(call, s, t)
            case OuterTotal():
                left, right = self.spread(get(*s.lefts)), self.spread(get(s.right))
                self.gradient(s.outs, np.einsum("tbi,tbj->ij", left, right), s.adds)
            case Total():
                value = self.spread(self.value(call, s, t), s.outs)
                self.gradient(s.outs, value.sum((0, 1)), s.adds)
            case Product():
                self.put(get(*s.outs), get(s.operand) @ get(*s.matrices).T, s.adds)
            case PullBack():
                operand = np.concatenate([get(q) for q in s.operands], axis=-1)
                self.put(get(*s.outs), operand @ get(*s.matrices), s.adds)
            case Bias():
                self.put(get(*s.outs), sum(get(*vectors) for vectors in s.vectors), s.adds)
            case Reduce():
                vectors = np.concatenate([get(q) for q in s.vectors], axis=-1)
                self.put(get(*s.outs), vectors.sum(-1, keepdims=True), s.adds)
            case Activate():
                for out, argument, f in zip(s.outs, s.arguments, s.functions, strict=True):
                    self.put(get(out), reference.FUNCTIONS[f](get(argument)), s.adds)
            case Copy():
                self.put(get(*s.outs), get(s.source), s.adds)
            case Compute():
                self.put(get(*s.outs), self.value(call, s, t), s.adds)
            case _:
                raise TypeError(s.kind)

    def gradient(self, group: tuple[Quantity, ...], value: np.ndarray, adds: bool) -> None:
        """Gradients of parameters one above the other, each to its own."""
        start = 0
        for q in group:
            variant, parameter = self.program.parameters[q]
            array = self.parameters[variant][parameter.name]
            rows = array.shape[0] if array.ndim else 1
            self.put(array, value[start : start + rows].reshape(array.shape), adds)
            start += rows

    def put(self, out: np.ndarray, value, adds: bool) -> None:
        out[...] = out + value if adds else value

    def spread(self, array: np.ndarray, outs: tuple[Quantity, ...] = ()) -> np.ndarray:
        """What is the same for all steps and sequences, for each of them."""
        array = np.asarray(array)
        array = array if array.ndim == 3 else np.broadcast_to(array, (self.T, self.B, *array.shape))
        width = self.width(axis for q in outs for axis in q.axes) or array.shape[-1]
        return np.broadcast_to(array, (self.T, self.B, width)) if outs else array

    def value(self, call: Call, s: Compute | Total, t: int | None):
        """An elementwise expression, on whole arrays."""
        groups = {group[0]: group for group in s.beside}
        read = {q for group in s.groups for q in group[:1]}
        env = {q: self.view(call, groups.get(q, (q,)), t) for q in read}
        leading = (self.T, self.B) if t is None else (self.B,)
        rows = {
            q: array.reshape(-1, array.shape[-1]) if array.ndim > len(leading) else array
            for q, array in env.items()
        }
        found = np.asarray(reference.value(s.expr, rows, self.letters))
        is_fixed = all(array.ndim <= len(leading) for array in env.values())
        return found[0] if is_fixed else found.reshape(*leading, -1)

    def nest(self, call: Call, s: Fused, t: int | None) -> None:
        """Every entry by itself: values that are local to the nest are numbers."""
        leading = (self.T, self.B) if t is None else (self.B,)
        for at in np.ndindex(*leading, *(self.sizes[axis] for axis in s.axes)):
            local: dict[Quantity, float] = {}
            for part in s.body:
                (out,) = part.outs
                reads = {q for group in part.groups for q in group}
                known = {q: local[q] if q in local else self.entry(call, q, t, at) for q in reads}
                env = {q: np.full((1, 1), number) for q, number in known.items()}
                value = float(np.ravel(reference.value(part.expr, env, self.letters))[0])
                if out in s.local:
                    local[out] = value + (local[out] if part.adds else 0.0)
                else:
                    array = self.view(call, (out,), t)
                    index = at if out.axes else (*at, 0)
                    array[index] = value + (array[index] if part.adds else 0.0)

    def entry(self, call: Call, q: Quantity, t: int | None, at: tuple[int, ...]) -> float:
        """One entry of a quantity; a number has one only, what is fixed no steps or sequences."""
        array = self.view(call, (q,), t)
        leading = 2 if t is None else 1
        index = at if q.axes else (*at[:leading], 0)
        return float(array[index[len(index) - array.ndim :]])
