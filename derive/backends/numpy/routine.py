"""A routine as NumPy: all steps before the loop, the loop, all steps after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.backends.numpy.all_steps import AllSteps
from derive.backends.numpy.memory import Memory, slice_text
from derive.backends.numpy.one_step import OneStep
from derive.backends.numpy.text import length, shape_of, tuple_of, unpack, wrap
from derive.backends.numpy.writers import Writer
from derive.program.layout import Stack


@dataclass(frozen=True)
class Blocks:
    """A routine's lines, block by block; the template puts them into a function.

    parameters  names for the parameters it reads
    arrays      arrays for all steps
    before      what is computed for all steps before the loop
    scratch     arrays for one step
    loop        the head of the loop
    held        in a step: copies of what it writes over, where sequences have ended
    body        in a step: the step
    ended       in a step: what leaves the sequences that have ended as they are
    after       what is computed for all steps after the loop
    """

    parameters: list[str]
    arrays: list[str]
    before: list[str]
    scratch: list[str]
    loop: list[str]
    held: list[str]
    body: list[str]
    ended: list[str]
    after: list[str]


def print_routine(memory: Memory, writer: Writer) -> Blocks:
    """The lines of a routine."""
    routine = memory.routine
    whole, late, one = AllSteps(memory, writer), AllSteps(memory, writer), OneStep(memory, writer)
    before, body, after = (
        whole.print(routine.before),
        one.print(routine.during),
        late.print(routine.after),
    )
    body += [f"np.copyto({one.place(c)}, {one.place(q)})" for q, c in routine.copies]
    ended = one.hold_ended()
    check_names(memory, whole.borrowed | late.borrowed | one.borrowed)
    return Blocks(
        parameters=list(memory.weights.values()),
        arrays=[*kept_arrays(memory, writer), *whole.scratch.values()],
        before=before,
        scratch=[*step_stacks(memory), *one.scratch.values()],
        loop=one.header(),
        held=one.hold_before(),
        body=body,
        ended=ended,
        after=[line for name, line in late.scratch.items() if name not in whole.scratch] + after,
    )


def check_names(memory: Memory, borrowed: set[str]) -> None:
    """No array that the routine makes for itself has the name of a quantity.

    `fresh` sees to that; if it ever failed, the module would compute something else in silence.
    """
    loop = memory.loop
    quantities = {*loop.known, *memory.equations, *(c.entering for c in loop.carries)}
    own = {q.name for q in memory.program.names.parameters}
    made = borrowed | (memory.weights.keys() - own)
    for q in quantities:
        if not memory.is_fixed(q) and memory.is_kept(q):
            made.add(memory.sequence(q).partition("[")[0])
    for stack in memory.storage.stacks:
        made |= {stack.name, f"{stack.name}_s"}
    clashes = made & ({q.name for q in quantities} | own)
    assert not clashes, clashes


def kept_arrays(memory: Memory, writer: Writer) -> list[str]:
    """Allocation of what is kept for all steps, and names for its parts.

    What the caller gets is allocated by itself, so that keeping it does not keep the rest.
    """
    storage = memory.storage
    stacks = [s for s in storage.stacks if storage.is_sequence(s.members[0])]
    alone = memory.ordered(storage.sequences - memory.trajectories - memory.slot.keys())
    made = [q for q in alone if not writer.makes(q, memory)]
    results = [q for q in made if memory.loop.reverse and q in memory.loop.wanted]
    shapes = {f"{q}_s": shape_of(["T + 1", "B"], q.axes) for q in storage.trajectory}
    shapes |= {f"{s.name}_s": tuple_of(["T", "B", stack_width(s)]) for s in stacks}
    shapes |= {memory.sequence(q): shape_of(["T", "B"], q.axes) for q in made if q not in results}
    lines = allocation(shapes)
    for stack in stacks:
        lines += parts(memory, stack, "_s")
    for q in results:
        lines += allocation({memory.sequence(q): shape_of(["T", "B"], q.axes)})
    return lines


def allocation(shapes: Mapping[str, str]) -> list[str]:
    """Arrays of these shapes; several share one piece of memory."""
    if len(shapes) < 2:
        return [f"{name} = np.empty({shape}, dtype)" for name, shape in shapes.items()]
    names = [", ".join(shapes)]
    if len(names[0]) > 80:
        names = ["(", *(f"    {name}," for name in shapes), ")"]
    arrays = wrap(f"{names[-1]} = _arrays(", ["dtype", *shapes.values()], ")")
    return [*names[:-1], *arrays]


def step_stacks(memory: Memory) -> list[str]:
    """Stacks of which only one step is kept."""
    lines = []
    for stack in memory.storage.stacks:
        if not memory.storage.is_sequence(stack.members[0]):
            lines.append(f"{stack.name} = np.empty({tuple_of(['B', stack_width(stack)])}, dtype)")
            lines += parts(memory, stack, "")
    return lines


def stack_width(stack: Stack) -> str:
    return length(a for q in stack.members for a in q.axes)


def parts(memory: Memory, stack: Stack, suffix: str) -> list[str]:
    """The members of a stack, as views into it."""
    names = [memory.name(q) + suffix for q in stack.members]
    array, leading = f"{stack.name}{suffix}", "..., " if suffix else ":, "
    widths = {length(q.axes) for q in stack.members}
    if len(widths) == 1:
        (width,) = widths
        count = len(stack.members)
        return unpack(
            names, f"({array}[{leading}k * {width} : (k + 1) * {width}] for k in range({count}))"
        )
    ends = [length(a for q in stack.members[:n] for a in q.axes) for n in range(len(names) + 1)]
    slices = [slice_text(low, high) for low, high in zip(ends, [*ends[1:-1], ""], strict=False)]
    return [f"{name} = {array}[{leading}{part}]" for name, part in zip(names, slices, strict=True)]
