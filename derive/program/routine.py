"""A loop ready to be written in any language: statements in order, everything in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from derive.nodes import Quantity, symbols_of
from derive.program.alike import Rows, groups_in, sums_spread
from derive.program.assemble import Parameters, split
from derive.program.fuse import Nests, fused, local_to, nests_of, scattered
from derive.program.layout import Layout, Stack
from derive.program.loop import Carry, Loop
from derive.program.order import DeadlockError, Progress, in_order
from derive.program.policy import Policy
from derive.program.rules.standardise import standardised
from derive.program.statements import Copy, Group, Statement
from derive.program.storage import Storage, Variants, Wishes, constants_of, store


@dataclass(frozen=True)
class Ended:
    """What keeps a sequence that has ended as it is, while others of its batch go on.

    masked    what is set to zero there: nothing is learnt from steps past the end
    held      carries kept for all steps: the new value is the old one
    restored  carries that a step writes over: their value before the step comes back
    """

    masked: tuple[Group, ...]
    held: tuple[Carry, ...]
    restored: tuple[Carry, ...]


@dataclass(frozen=True)
class Routine:
    """A loop over time as statements, with the places of all that they read and write.

    loop     the equations, phase by phase
    storage  who lies in whose place
    before, during, after   the statements of each phase, in order
    ended    what is done in a step for sequences that have ended
    """

    loop: Loop
    storage: Storage
    before: tuple[Statement, ...]
    during: tuple[Statement, ...]
    after: tuple[Statement, ...]
    ended: Ended

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All of them, in order."""
        return (*self.before, *self.during, *self.after)


@dataclass(frozen=True)
class Setting:
    """What all routines of a cell share: the layout, the names of variants and parameters, and
    what the target's policy wants."""

    layout: Layout
    variants: Variants
    parameters: Parameters
    policy: Policy

    @cached_property
    def groups(self) -> list[Group]:
        """What lies side by side by the layout, in every variant."""
        members = [s.members for s in self.layout.stacks]
        members += [w.parameters for w in self.layout.weights if len(w.parameters[0].axes) == 1]
        return [
            tuple(called[q] for q in group)
            for called in self.variants.values()
            for group in members
            if called.keys() >= set(group)
        ]


class Routines(Mapping[str, Routine]):
    """The routines of a program by name, each scheduled and assembled when it is asked for."""

    def __init__(self, loops: Mapping[str, Callable[[], Loop]], setting: Setting):
        self.loops, self.setting = loops, setting
        self.made: dict[str, Routine] = {}

    def __getitem__(self, name: str) -> Routine:
        if name not in self.made:
            self.made[name] = assemble(self.loops[name](), self.setting)
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.loops)

    def __len__(self) -> int:
        return len(self.loops)


def assemble(loop: Loop, setting: Setting) -> Routine:
    """Give everything in a loop its place, and put its statements in order.

    Where two quantities cannot share a place after all, one gets its own and all is tried again.
    """
    given = frozenset(setting.parameters.of)
    groups = setting.groups
    found: list[Group] = []
    more: list[Group] = []
    if setting.policy.standardise:
        rows = Rows.among([*groups, *groups_in(loop, groups)])
        loop, more = standardised(loop, rows, given | constants_of(loop, given))
        groups = [*groups, *more]
    if setting.policy.join:
        found = groups_in(loop, groups)
        spread = sums_spread(loop, Rows.among([*groups, *found]))
        if spread != loop:
            loop, found = spread, groups_in(spread, groups)
    constants = constants_of(loop, given)
    nests = nests_of(loop) if setting.policy.fuse else Nests()
    local = local_to(loop, nests, constants) if setting.policy.fuse else frozenset()
    apart: frozenset[Quantity] = frozenset()
    while True:
        alike = [group for group in found if not (constants & apart).intersection(group)]
        rows = Rows.among([*groups, *alike])
        stacks = tuple(map(Stack.of, [*more, *alike]))
        wishes = Wishes(setting.variants, given, stacks, apart, local - apart)
        storage = store(loop, setting.layout, wishes)
        try:
            return _assemble(loop, setting, storage, nests, rows)
        except DeadlockError as stuck:
            assert not apart.issuperset(stuck.args), f"{stuck} does lie apart"
            apart |= set(stuck.args)


def _assemble(loop: Loop, setting: Setting, storage: Storage, nests: Nests, rows: Rows) -> Routine:
    entering = {c.entering for c in loop.carries}
    progress = Progress({*loop.known, *loop.arrives, *entering}, set())
    phases: dict[str, tuple[Statement, ...]] = {}
    for phase in ("before", "during", "after"):
        if phase == "during":
            progress.written |= set(map(storage.place, entering))
        equations = getattr(loop, phase)
        parts = split(
            equations, loop, setting.layout, setting.parameters, storage, setting.policy, rows
        )
        for stack in storage.stacks if phase == "before" else ():
            is_once = storage.constants.issuperset(stack.members)
            if is_once and all(s.outs != stack.members for s in parts):
                raise DeadlockError(*stack.members)  # it is computed as a whole, or not at all
        ordered = list(in_order(equations, parts, loop, storage, nests, progress))
        if setting.policy.fuse:
            ordered = list(fused(ordered, nests, storage.local, storage.constants))
            for q in sorted(scattered(ordered, storage.local), key=str):
                raise DeadlockError(q)
        phases[phase] = tuple(ordered)
    copies = (Copy((c.entering,), c.leaving) for c in loop.carries if c.leaving in storage.apart)
    phases["during"] += tuple(copies)
    return Routine(loop, storage, **phases, ended=_ended(loop, storage))


def _ended(loop: Loop, storage: Storage) -> Ended:
    late = {s for e in loop.after for s in symbols_of(e.rhs)} | loop.wanted
    kept = [e.lhs for e in loop.during if e.lhs in late] if loop.reverse else []
    masked = tuple(dict.fromkeys(_whole(q, storage) for q in kept))
    held = tuple(c for c in loop.carries if c.entering in storage.trajectory)
    restored = tuple(c for c in loop.carries if c not in held)
    return Ended(masked, held, restored)


def _whole(q: Quantity, storage: Storage) -> Group:
    """The stack that a quantity lies in, or the quantity by itself."""
    slot = storage.slots.get(storage.place(q))
    return storage.stacks[slot[0]].members if slot else (q,)
