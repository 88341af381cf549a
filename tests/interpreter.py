"""Runs a program's routines as they stand, statement by statement, on arrays.

It reads nothing but the values that a backend is given: buffers, regions, statements. A nest of
loops is run entry by entry, each of its local values a number. So what a program says is complete,
and right, before any language has a word in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import reference
import sympy as sp

from derive.nodes import Axes, Axis, Outer, Quantity, axes_of, places, symbols_of
from derive.program.buffers import Buffer, Span
from derive.program.interface import Call
from derive.program.program import Program
from derive.program.statements import (
    Activate,
    Bias,
    Compute,
    Contraction,
    Copy,
    Fused,
    Group,
    HeadTotal,
    OuterTotal,
    Peak,
    Product,
    PullBack,
    Reduce,
    Standardise,
    StandardiseSlope,
    Statement,
    Sum,
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

    def width(self, parts: Iterable[Quantity]) -> int:
        """How many entries quantities side by side have; a number has one, too."""
        return sum(math.prod(self.shape_of(q.axes)) for q in parts)

    def shape_of(self, axes: Axes) -> tuple[int, ...]:
        return tuple(self.sizes[axis] for axis in axes) or (1,)

    def new(self, buffer: Buffer) -> np.ndarray:
        """An array that holds nothing yet."""
        leading = {
            Span.ONCE: (),
            Span.STEP: (self.B,),
            Span.STEPS: (self.T, self.B),
            Span.TRAJECTORY: (self.T + 1, self.B),
        }[buffer.span]
        own = (self.width(buffer.parts),)
        if len(buffer.parts) == 1:
            own = self.shape_of(buffer.parts[0].axes)
        return np.full((*leading, *own), np.nan)

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
        if region.is_whole:
            return array
        start = self.width(region.before)
        return array[..., start : start + self.width(region.parts)]

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
                left, right = (self.each(flat(get(*g), g)) for g in (s.lefts, (s.right,)))
                self.gradient(s.outs, np.einsum("tbi,tbj->ij", left, right), s.adds)
            case HeadTotal():
                value = self.value(call, s, s.product, None)
                value = np.broadcast_to(value, (self.T, self.B, *value.shape[-3:]))
                self.gradient(s.outs, value.sum((0, 1)), s.adds)
            case Total():
                self.gradient(s.outs, self.total(call, s), s.adds)
            case Product():
                rows = np.concatenate([merged(get(q)) for q in s.matrices])
                self.put(get(*s.outs), flat(get(s.operand), (s.operand,)) @ rows.T, s.adds)
            case PullBack():
                rows = np.concatenate([merged(get(q)) for q in s.matrices])
                operand = np.concatenate([flat(get(q), (q,)) for q in s.operands], axis=-1)
                self.put(get(*s.outs), operand @ rows, s.adds)
            case Bias():
                self.put(get(*s.outs), sum(get(*vectors) for vectors in s.vectors), s.adds)
            case Reduce():
                over = places(s.vectors[0].axes, s.over)
                self.put(get(*s.outs), side_by_side(get, s.vectors).sum(over), s.adds)
            case Sum():
                values = self.value(call, replace(s, outs=s.terms), s.expr, t)
                self.put(get(*s.outs), values.sum(-1), s.adds)
            case Standardise():
                whole, count = side_by_side(get, s.vectors), len(s.vectors)
                about = whole - whole.mean(-1, keepdims=True)
                epsilon = reference.value(s.epsilon, {}, self.letters)
                sigma = np.sqrt((about**2).mean(-1, keepdims=True) + epsilon)
                for outs, value in ((s.outs[:count], about / sigma), (s.outs[count:], sigma)):
                    if outs:
                        self.put(get(*outs), value, s.adds)
            case StandardiseSlope():
                moved, whole = (side_by_side(get, of) for of in (s.moved, s.standardised))
                mean, along = (a.mean(-1, keepdims=True) for a in (moved, moved * whole))
                self.put(get(*s.outs), (moved - mean - whole * along) / get(s.sigma), s.adds)
            case Peak():
                self.put(get(*s.outs), side_by_side(get, s.vectors).max(-1), s.adds)
            case Contraction():
                self.put(get(*s.outs), self.value(call, s, s.product, t), s.adds)
            case Activate():
                for out, argument, f in zip(s.outs, s.arguments, s.functions, strict=True):
                    self.put(get(out), reference.FUNCTIONS[f](get(argument)), s.adds)
            case Copy():
                self.put(get(*s.outs), get(s.source), s.adds)
            case Compute():
                self.put(get(*s.outs), self.value(call, s, s.expr, t), s.adds)
            case _:
                raise TypeError(s.kind)

    def gradient(self, group: tuple[Quantity, ...], value: np.ndarray, adds: bool) -> None:
        """Gradients of parameters one above the other, each to its own."""
        start = 0
        for q in group:
            variant, parameter = self.program.parameters[q]
            array = self.parameters[variant][parameter.name]
            rows = array.size // math.prod(value.shape[1:])
            self.put(array, value[start : start + rows].reshape(array.shape), adds)
            start += rows

    def put(self, out: np.ndarray, value, adds: bool) -> None:
        """Write a value, or add it; what is one row for each sequence may have its own axes, or
        these as one."""
        value = np.asarray(value)
        value = value.reshape(out.shape) if value.size == out.size else value
        out[...] = out + value if adds else value

    def each(self, array: np.ndarray) -> np.ndarray:
        """What is the same for all steps and sequences, for each of them."""
        return np.broadcast_to(array, (self.T, self.B, array.shape[-1]))

    def total(self, call: Call, s: Total) -> np.ndarray:
        """The sum of an expression over all steps and sequences."""
        value = self.value(call, s, s.expr, None)
        own = self.shape_of(s.outs[0].axes) if len(s.outs) == 1 else (self.width(s.outs),)
        return np.broadcast_to(value, (self.T, self.B, *own)).sum((0, 1))

    def value(self, call: Call, s: Statement, expr: sp.Expr, t: int | None) -> np.ndarray:
        """An expression of a statement, on whole arrays: what lies side by side is one vector."""
        leading = (self.T, self.B) if t is None else (self.B,)
        groups = {group[0]: group for group in getattr(s, "beside", ())}
        rows, is_fixed = {}, True
        for q in symbols_of(expr):
            array, own = self.view(call, groups.get(q, (q,)), t), len(q.axes) or 1
            if array.ndim >= own + len(leading):
                array, is_fixed = array.reshape(-1, *array.shape[array.ndim - own :]), False
            rows[q] = array
        found = np.asarray(reference.value(expr, rows, self.letters))
        if axes := axes_of(expr):  # of a matrix it may have rows or columns only
            found = reference.beside(found, axes, s.outs[0].axes)
        return found[0] if is_fixed else found.reshape(*leading, *found.shape[1:])

    def nest(self, call: Call, s: Fused, t: int | None) -> None:
        """Every entry by itself: values that are local to the nest are numbers."""
        leading = (self.T, self.B) if t is None else (self.B,)
        for at in np.ndindex(*leading, *(self.sizes[axis] for axis in s.axes)):
            local: dict[Quantity, float] = {}
            for part in s.body:
                (out,) = part.outs
                reads = {q for group in part.groups for q in group}
                known = {
                    q: local[q] if q in local else self.entry(call, q, t, s.axes, at) for q in reads
                }
                env = {q: one(q, number) for q, number in known.items()}
                expr, columns = columns_apart(part.expr)
                env |= {
                    other: one(
                        q, local[q] if q in local else self.entry(call, q, t, s.axes, at, -1)
                    )
                    for q, other in columns.items()
                }
                value = float(np.ravel(reference.value(expr, env, self.letters))[0])
                if out in s.local:
                    local[out] = value + (local[out] if part.adds else 0.0)
                else:
                    array = self.view(call, (out,), t)
                    index = at if s.axes else (*at, 0)
                    array[index] = value + (array[index] if part.adds else 0.0)

    def entry(
        self, call: Call, q: Quantity, t: int | None, axes: Axes, at: tuple[int, ...], side: int = 0
    ) -> float:
        """One entry of a quantity, which may have some of the nest's axes only; a number has one
        entry, what is fixed has no steps or sequences. Where rows and columns of the nest have one
        axis, a vector along it is read at the row, or, with side -1, at the column."""
        array, leading = self.view(call, (q,), t), len(at) - len(axes)
        own = at[leading:]
        places = {a: [n for n, b in zip(own, axes, strict=True) if a == b] for a in axes}
        index = own if q.axes == axes else tuple(places[a][side] for a in q.axes)
        index = (*at[:leading], *(index or (0,)))
        return float(array[index[len(index) - array.ndim :]])


def merged(matrix: np.ndarray) -> np.ndarray:
    """The matrices of all heads, one above the other."""
    return matrix.reshape(-1, matrix.shape[-1])


def flat(array: np.ndarray, group: Group) -> np.ndarray:
    """A quantity, or vectors side by side, its own axes as one."""
    leading = array.ndim - (len(group[0].axes) or 1)
    return array.reshape(*array.shape[:leading], -1)


def one(q: Quantity, number: float) -> np.ndarray:
    """A quantity of one sequence that has one entry."""
    return np.full((1,) * (1 + (len(q.axes) or 1)), number)


def side_by_side(get, group) -> np.ndarray:
    """Vectors as one."""
    return np.concatenate([get(q) for q in group], axis=-1)


def columns_apart(expr: sp.Expr) -> tuple[sp.Expr, dict[Quantity, Quantity]]:
    """An expression of single entries, where what stands on the right of an outer product of two
    vectors along one axis has a name of its own, since it is read at the column; those names."""
    names: dict[Quantity, Quantity] = {}
    nodes = {}
    for node in expr.atoms(Outer):
        left, right = node.args
        if axes_of(left) == axes_of(right):
            own = {q: Quantity(f"{q}_column", q.axes) for q in symbols_of(right)}
            nodes[node], names = Outer(left, right.xreplace(own)), names | own
    return expr.xreplace(nodes), names
