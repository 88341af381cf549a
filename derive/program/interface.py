"""What the routines of a cell take, leave for each other, and give: the same in every language.

`forward` leaves a *tape*: the inputs, the states before and after each step, and whatever else the
way back reads. The other routines find their quantities there. Every routine names the quantities
that its arguments give, and the arrays that it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from derive.adjoint import Adjoint
from derive.cell import Cell
from derive.nodes import Quantity
from derive.program.buffers import Buffer, Memory, Region, Role, Span
from derive.program.loops import Loops
from derive.program.routine import Routine
from derive.program.statements import Group
from derive.program.variants import Variant


@dataclass(frozen=True)
class Start:
    """Where a carry starts: a state of the argument of that variant, `state` or `dstate`, …"""

    entering: Quantity
    leaving: Quantity
    variant: Variant
    state: Quantity


@dataclass(frozen=True)
class Call:
    """A routine and its memory, with what the caller gives and gets.

    starts  where its carries start, in the order of the carries
    ends    the quantities whose last values are returned, in the order of the states
    output  the quantity that is the output at every step, where the routine returns one
    """

    routine: Routine
    memory: Memory
    starts: tuple[Start, ...]
    ends: tuple[Quantity, ...]
    output: Quantity | None

    def handed(self, other: Call) -> frozenset[Quantity]:
        """What another routine, which runs after this one, reads of it."""
        mine = {region.buffer for region in self.memory.homes.values()}
        reads = other.routine.loop.reads() & other.memory.given.keys()
        return frozenset(q for q in reads if other.memory.given[q].buffer in mine)


@dataclass(frozen=True)
class Tape:
    """What forward keeps for the other routines: buffers in the order of the fields."""

    buffers: tuple[Buffer, ...]
    regions: Mapping[Quantity, Region]

    def parts(self, stack: Buffer) -> Group:
        """For each part of a stack, the quantity that others find there."""
        found = {region: q for q, region in self.regions.items()}
        return tuple(found.get(Region(stack, k), q) for k, q in enumerate(stack.parts))

    @property
    def alone(self) -> Group:
        """The quantities that are kept by themselves, apart from the inputs and the states."""
        own = ((q, r.buffer) for q, r in self.regions.items() if r.buffer.role is Role.TAPE)
        return tuple(q for q, b in own if b.span is Span.STEPS and len(b.parts) == 1)


class Interface:
    """All routines of a cell, each connected when it is asked for: what one leaves, another finds.

    routines  the routines by name
    """

    def __init__(self, adjoint: Adjoint, loops: Loops, routines: Mapping[str, Routine]):
        self.adjoint, self.loops, self.routines = adjoint, loops, routines
        self.cell: Cell = adjoint.cell
        cell, bar, dot = self.cell, adjoint.bar, loops.dot
        self.variants = {
            Variant.PRIMAL: {s: s for s in cell.states},
            Variant.ADJOINT: adjoint.carry,
            Variant.TANGENT: {s: dot[s] for s in cell.states},
            Variant.ADJOINT_TANGENT: {s: dot[adjoint.carry[s]] for s in cell.states},
        }
        alone = len(cell.inputs) == 1
        bars = [bar[q] for q in cell.inputs]
        self.results = dict.fromkeys(bars, "dxs" if alone else "")
        self.results |= dict.fromkeys((dot[b] for b in bars), "dxs_dot" if alone else "")
        given = cell.given[len(cell.inputs) :]
        self._xs = arguments("xs" if alone else "", cell.inputs) | arguments("", given)
        self._xs_dot = arguments("xs_dot" if alone else "", (dot[q] for q in cell.inputs))
        seed = adjoint.seed
        self._seeds = arguments("dys", [seed]) | arguments("dys_dot", [dot[seed]])

    @cached_property
    def forward(self) -> Call:
        """From the inputs and the initial state to the outputs."""
        return self._call("forward", self._xs, Variant.PRIMAL, self.cell.output)

    @cached_property
    def backward(self) -> Call:
        """From the adjoints of outputs and final state to all others."""
        return self._call("backward", self._kept | self._seeds, Variant.ADJOINT, None)

    @cached_property
    def step(self) -> Call:
        """One step: its inputs and its state are the caller's."""
        cell = self.cell
        given = {
            q: Region(Buffer(q.name, (q,), Span.STEP, Role.ARGUMENT))
            for q in (*cell.given, *cell.states)
        }
        routine = self.routines["step"]
        memory = Memory(routine, given, {})
        return Call(routine, memory, (), tuple(cell.updates.values()), cell.output)

    @cached_property
    def jvp(self) -> Call:
        """The tangents of the outputs."""
        output = self.loops.dot[self.cell.output]
        return self._call("jvp", self._kept | self._xs_dot, Variant.TANGENT, output)

    @cached_property
    def hvp(self) -> tuple[Call, Call]:
        """The tangents of the way there, then the way back."""
        return self._there_and_back("there", "back", None)

    @cached_property
    def tangents(self) -> tuple[Call, Call]:
        """The same, where the way there is that of jvp as well, and gives the outputs."""
        return self._there_and_back("tangents", "onward", self.loops.dot[self.cell.output])

    def _there_and_back(
        self, first: str, second: str, output: Quantity | None
    ) -> tuple[Call, Call]:
        along = self._kept | self._xs_dot
        there = self._call(first, along, Variant.TANGENT, output)
        left = {
            q: there.memory.region((q,))
            for q in (*there.routine.loop.wanted, *there.routine.storage.trajectory)
            if q not in along
        }
        back = self._call(second, along | left | self._seeds, Variant.ADJOINT_TANGENT, None)
        return there, back

    @cached_property
    def tape(self) -> Tape:
        """The inputs, the states, then what else the way back reads: whole stacks, and what lies by
        itself."""
        cell, forward = self.cell, self.forward.memory
        regions = dict(self._xs)
        for state, new in cell.updates.items():
            regions |= {q: forward.region((q,)) for q in (state, new)}
        regions |= {q: forward.region((q,)) for q in self.loops.saved if q not in regions}
        regions = {q: _on_tape(q, region) for q, region in regions.items()}
        buffers = dict.fromkeys(region.buffer for region in regions.values())
        stacks = [b for b in buffers if len(b.parts) > 1]
        trajectories = [regions[s].buffer for s in cell.states]
        given = [regions[q].buffer for q in cell.given]
        order = (*given, *trajectories, *stacks, *buffers)
        return Tape(tuple(dict.fromkeys(order)), regions)

    @property
    def _kept(self) -> dict[Quantity, Region]:
        return dict(self.tape.regions)

    def _call(
        self,
        name: str,
        given: Mapping[Quantity, Region],
        ends: Variant,
        output: Quantity | None,
    ) -> Call:
        """A routine, with what it is given, and the variant of the states it ends with."""
        routine = self.routines[name]
        starts = tuple(self._start(c.entering, c.leaving) for c in routine.loop.carries)
        return Call(
            routine=routine,
            memory=Memory(routine, given, self.results),
            starts=starts,
            ends=tuple(start.leaving for start in starts if start.variant is ends),
            output=output,
        )

    def _start(self, entering: Quantity, leaving: Quantity) -> Start:
        return next(
            Start(entering, leaving, variant, state)
            for variant, named in self.variants.items()
            for state, q in named.items()
            if q == entering
        )


def arguments(name: str, quantities: Iterable[Quantity]) -> dict[Quantity, Region]:
    """Arrays of all steps that the caller gives. One that is an argument by itself has its name."""
    return {q: Region(Buffer(name, (q,), Span.STEPS, Role.ARGUMENT)) for q in quantities}


def _on_tape(q: Quantity, region: Region) -> Region:
    """The region as the other routines find it. An array of one quantity is called after it."""
    buffer = region.buffer
    if buffer.role is Role.ARGUMENT:
        return region
    if buffer.span is Span.STEPS and len(buffer.parts) == 1:
        buffer = replace(buffer, name=q.name, parts=(q,))
    return replace(region, buffer=replace(buffer, role=Role.TAPE))
