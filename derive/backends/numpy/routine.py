"""A routine as the templates see it: its statements, and the name of every array in them.

The program has decided what is computed when, and in which memory (`derive.program`). Here every
region of memory gets the names under which the routine uses it: each quantity its own, so that two
names may stand for one array, of which the second is an alias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sympy as sp

from derive.backends.numpy.lowering import Call, Lowering
from derive.backends.numpy.names import Names
from derive.backends.numpy.printer import NumPyPrinter, between, width
from derive.nodes import Axes, Axis, Quantity, Size, axes_of
from derive.printing import Infix
from derive.program import interface
from derive.program.buffers import Buffer, Region, Role, Span
from derive.program.program import Program
from derive.program.statements import (
    Activate,
    Bias,
    Compute,
    Group,
    OuterTotal,
    Product,
    PullBack,
    Statement,
    Total,
)
from derive.program.variants import Variant


@dataclass(frozen=True)
class Weight:
    """A parameter, or a stack of them, that a routine reads or writes, under a name."""

    name: str
    variant: Variant
    key: str
    is_stack: bool


@dataclass(frozen=True)
class Array:
    """An array that a routine makes: its names, of which the first is its own, and its shape."""

    names: tuple[str, ...]
    span: Span
    width: str


@dataclass(frozen=True)
class Scratch:
    """An array that one or two lines use, with a row for each sequence, or a column."""

    name: str
    width: str
    is_columns: bool = False


@dataclass(frozen=True)
class Parts:
    """Names for the parts of a stack: of equal widths, or each with its own slice."""

    names: tuple[str, ...]
    array: str
    span: Span
    width: str
    slices: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """A name, and what it stands for."""

    name: str
    of: str


@dataclass(frozen=True)
class Start:
    """Where a carry starts: its names, the array of all steps where there is one, and the state."""

    names: tuple[str, ...]
    trajectory: str
    variant: Variant
    state: str


class Routine:
    """A routine under its names. `is_in_place` tells the two ways to write an equation apart:
    calls that write into arrays which exist already, for what runs thousands of times, and the
    expression itself, for what is read more often than it runs."""

    def __init__(
        self,
        program: Program,
        call: interface.Call,
        names: Names,
        is_in_place: bool,
        leaves: Iterable[Quantity] = (),
    ):
        self.program, self.call, self.names = program, call, names.child()
        self.is_in_place, self.memory = is_in_place, call.memory
        self.loop, self.storage = call.routine.loop, call.routine.storage
        self.rows = {p: w for w in program.layout.weights for p in w.parameters}
        self.t = self.names.scratch("t", "t")
        self.weights: dict[object, Weight] = {}
        self.sizes: dict[Axis, None] = {}
        self.tenants: dict[Region, dict[Quantity, None]] = {}  # whose names a region is used under
        self.made = self.made_by_their_lines()
        self.before = Phase(self, call.routine.before)
        self.during = OneStep(self, call.routine.during)
        self.after = Phase(self, call.routine.after)
        self.hold()
        for q in leaves:
            self.after.array((q,))
        if call.output is not None:
            (self.after if self.loop.wanted else self.during).array((call.output,))
        tape = program.interface.tape.stacks_read([self.loop])
        made = (b for b in self.memory.own if b.span is not Span.ONCE and b not in self.made)
        for buffer in (*made, *tape):
            self.width(buffer.axes)

    # what a line is about

    def is_fixed(self, q: sp.Basic) -> bool:
        """Whether it is the same at every step."""
        return q in self.program.parameters or q in self.storage.constants

    def is_once(self, q: Quantity) -> bool:
        """Whether it is computed once for all steps and sequences."""
        return q in self.storage.constants

    def width(self, axes: Iterable[Axis]) -> str:
        """The length of quantities side by side."""
        axes = tuple(axes)
        self.sizes |= dict.fromkeys(axes)
        return width(axes, self.names.size)

    def slice(self, region: Region) -> str:
        """A region of a buffer, as a slice of its last axis."""
        low = self.width(region.before) if region.first else ""
        ends_it = region.first + region.count == len(region.buffer.parts)
        high = "" if ends_it else self.width((*region.before, *region.axes))
        return between(low, high)

    def weight(self, parameters: Group) -> str:
        """The name of parameters that are stacked, or of the one there is."""
        variant, first = self.program.parameters[parameters[0]]
        if len(parameters) == 1:
            weight = Weight(self.names.one(parameters[0]), variant, first.name, False)
        else:
            stack = self.rows[first].name
            weight = Weight(self.names.weights(variant, stack), variant, stack, True)
        self.weights[weight.name] = weight
        return weight.name

    def fixed(self, q: Quantity) -> str:
        """The name of a parameter by itself, or of a constant."""
        return self.names.one(q) if self.is_once(q) else self.weight((q,))

    # arrays

    def made_by_their_lines(self) -> frozenset[Buffer]:
        """Where expressions are written: the buffers that are made by whatever writes them, since
        all that does is whole expressions."""
        if self.is_in_place:
            return frozenset()
        made: set[Buffer] = set()
        others: set[Buffer] = set()
        routine = self.call.routine
        for phase, span in ((routine.before, Span.STEPS), (routine.during, Span.STEP),
                            (routine.after, Span.STEPS)):  # fmt: skip
            for s in phase:
                for q in s.outs:
                    if not self.is_fixed(q):
                        buffer = self.memory.region((q,)).buffer
                        is_made = buffer.span is span and self.is_expression(s)
                        (made if is_made else others).add(buffer)
        return frozenset(b for b in made - others if b.role is Role.SCRATCH and len(b.parts) == 1)

    def is_expression(self, s: Statement) -> bool:
        """Whether a statement's value has the shape of what it defines."""
        if not isinstance(s, Compute) or s.adds or axes_of(s.expr) != s.outs[0].axes:
            return False
        return not all(map(self.is_fixed, s.reads))

    def use(self, q: Quantity) -> None:
        """Note that a line uses a quantity's own name for its region."""
        self.tenants.setdefault(self.memory.region((q,)), {})[q] = None

    def own(self, span: Span, *, stacked: bool) -> list[Buffer]:
        """The buffers it makes that are kept for that long."""
        return [
            b
            for b in self.memory.own
            if b.span is span and (len(b.parts) > 1) is stacked and b not in self.made
        ]

    @property
    def kept(self) -> list[list[Array]]:
        """The arrays of all steps that are its own, those of one shape together."""
        trajectories = [
            Array((self.names.buffer(b),), b.span, self.width(b.axes))
            for b in self.own(Span.TRAJECTORY, stacked=False)
        ]
        stacks = [
            Array((self.names.buffer(b),), b.span, self.width(b.axes))
            for b in self.own(Span.STEPS, stacked=True)
        ]
        alone = [b for b in self.own(Span.STEPS, stacked=False) if b.role is not Role.RESULT]
        alike: dict[tuple, list[Array]] = {}
        for array in (*trajectories, *stacks, *map(self.array, alone)):
            alike.setdefault((array.span, array.width), []).append(array)
        return list(alike.values())

    @property
    def results(self) -> list[Array]:
        """Arrays of all steps that the caller gets, each by itself, so that keeping one does not
        keep the rest."""
        alone = [b for b in self.own(Span.STEPS, stacked=False) if b.role is Role.RESULT]
        return [Array((b.name,), b.span, self.width(b.axes)) for b in alone]

    def array(self, buffer: Buffer) -> Array:
        """An array for one place, under the names of all that lie in it."""
        one = self.names.one if buffer.span is Span.STEP else self.names.all
        tenants = self.tenants.get(Region(buffer)) or buffer.parts
        return Array(tuple(map(one, tenants)), buffer.span, self.width(buffer.axes))

    @property
    def step_stacks(self) -> list[Array]:
        """Stacks of which one step is kept."""
        stacks = self.own(Span.STEP, stacked=True)
        return [Array((self.names.buffer(b),), b.span, self.width(b.axes)) for b in stacks]

    @property
    def step_arrays(self) -> list[Array]:
        """Arrays for one step of one quantity, or of several one after another."""
        alone = self.own(Span.STEP, stacked=False)
        return [self.array(b) for b in alone if b.role is Role.SCRATCH]

    @property
    def parts(self) -> list[Parts]:
        """Names for the parts of its stacks that are used by themselves, where all steps are
        kept."""
        return self.parts_of(self.own(Span.STEPS, stacked=True))

    @property
    def step_parts(self) -> list[Parts]:
        """The same where one step is kept."""
        return self.parts_of(self.own(Span.STEP, stacked=True))

    def parts_of(self, stacks: Iterable[Buffer]) -> list[Parts]:
        """The same for any stacks, such as the tape's."""
        return [p for b in stacks for p in self._parts(b)]

    def _parts(self, stack: Buffer) -> Iterable[Parts]:
        """One list of names for the first tenants of the parts, and one for each further one."""
        one = self.names.one if stack.span is Span.STEP else self.names.all
        regions = [Region(stack, k) for k in range(len(stack.parts))]
        tenants = [list(self.tenants.get(region, ())) for region in regions]
        if not any(tenants):
            return
        first = [mine[0] if mine else q for mine, q in zip(tenants, stack.parts, strict=True)]
        widths = {self.width(q.axes) for q in stack.parts}
        slices = () if len(widths) == 1 else tuple(map(self.slice, regions))
        array = self.names.buffer(stack)
        yield Parts(tuple(map(one, first)), array, stack.span, min(widths), slices)

    @property
    def aliases(self) -> list[View]:
        """Second names of parts of stacks, where they are kept for all steps."""
        return self._aliases(Span.STEPS, self.names.all)

    @property
    def step_aliases(self) -> list[View]:
        """The same of those of which one step is kept."""
        return self._aliases(Span.STEP, self.names.one)

    def _aliases(self, span: Span, name: Callable[[Quantity], str]) -> list[View]:
        return [
            View(name(q), name(first))
            for region, (first, *others) in self.tenants.items()
            if region.buffer.span is span and region.buffer not in self.made
            if span is Span.STEPS or len(region.buffer.parts) > 1
            for q in others
        ]

    @property
    def late_scratch(self) -> list[Scratch]:
        """What lines after the loop use that those before it did not."""
        return [s for name, s in self.after.scratch.items() if name not in self.before.scratch]

    # the loop

    @property
    def in_step_aliases(self) -> list[View]:
        """Second names within a step."""
        return [View(name, of) for name, of in self.during.aliases.items()]

    def hold(self) -> None:
        """Note what the lines for sequences that have ended use."""
        for group in self.call.routine.ended.masked:
            self.during.array(group)
        for carry in self.loop.carries:
            self.during.array((carry.leaving,))
            self.during.array((self.carried(carry.entering, carry.leaving),))

    def carried(self, entering: Quantity, leaving: Quantity) -> Quantity:
        """Under which name the array is known that one step hands to the next."""
        if entering in self.storage.trajectory or leaving in self.storage.apart:
            return entering
        return leaving

    @property
    def starts(self) -> list[Start]:
        """What stands before the loop for each carry."""
        return [self._start(start) for start in self.call.starts]

    def _start(self, start: interface.Start) -> Start:
        region = self.memory.region((start.entering,))
        if region.buffer.span is Span.TRAJECTORY:
            names, whole = (self.names.one(start.entering),), self.names.buffer(region.buffer)
        else:
            names, whole = tuple(map(self.names.one, self.tenants[region])), ""
        return Start(names, whole, start.variant, start.state.name)

    @property
    def moves(self) -> list[View]:
        """At a step's end: what was new is now what was there before."""
        held = self.call.routine.ended.held if self.is_in_place else ()
        return [View(self.names.one(c.entering), self.names.one(c.leaving)) for c in held]

    @property
    def masked(self) -> list[str]:
        """What is zero where a sequence has ended."""
        return [self.during.array(group) for group in self.call.routine.ended.masked]

    @property
    def held(self) -> list[View]:
        """What keeps its value where a sequence has ended."""
        array = self.during.array
        return [
            View(array((c.leaving,)), array((c.entering,))) for c in self.call.routine.ended.held
        ]

    @property
    def restored(self) -> list[View]:
        """What gets back the value that it had before the step, and under which name that is."""
        return [
            View(
                self.names.one(self.carried(c.entering, c.leaving)),
                self.names.scratch(("before", c.entering), f"{c.leaving.name}_before"),
            )
            for c in self.call.routine.ended.restored
        ]

    @property
    def ends(self) -> list[View]:
        """The last value of each state, and the array of all steps that it is in, if there is
        one."""
        found = []
        carried = {c.leaving: self.carried(c.entering, c.leaving) for c in self.loop.carries}
        for q in (carried.get(q, q) for q in self.call.ends):
            region = self.memory.region((q,))
            is_kept = region.buffer.span is Span.TRAJECTORY
            whole = self.names.buffer(region.buffer) if is_kept else ""
            found.append(View(self.names.one(q), whole))
        return found

    @property
    def output(self) -> str:
        """The array that holds the output: of all steps, or of the one there is."""
        assert self.call.output is not None
        phase = self.after if self.loop.wanted else self.during
        return phase.array((self.call.output,))


class Phase:
    """The statements before or after the loop, about all steps at once."""

    span = Span.STEPS

    def __init__(self, routine: Routine, statements: tuple[Statement, ...]):
        self.routine, self.statements = routine, statements
        self.scratch: dict[str, Scratch] = {}
        self.calls: dict[Statement, list[Call]] = {}
        self.products: dict[Statement, str] = {}
        for s in statements:
            self.prepare(s)

    @property
    def halves(self) -> bool:
        """Whether a line takes the half of something, as that for sigmoids does."""
        return any(s.kind == "Activate" and self.sigmoids(s) for s in self.statements)

    @property
    def is_in_loop(self) -> bool:
        """Whether it is about one step."""
        return self.span is Span.STEP

    def prepare(self, s: Statement) -> None:
        """Name everything that a statement uses, and lower it where that is the way to write it."""
        for group in s.groups:
            if all(isinstance(q, Quantity) for q in group):
                self.array(group)
        if isinstance(s, OuterTotal | Total):
            self.routine.weight(s.outs)
        else:
            self.array(s.outs)
        if isinstance(s, Activate) and "sigmoid" in s.functions:
            self.array(self.sigmoids(s))
        if isinstance(s, Product | PullBack):
            self.routine.weight(s.matrices)
            self.prepare_product(s)
        if isinstance(s, Bias):
            self.routine.weight(s.vectors)
        if isinstance(s, Compute) and self.routine.is_once(s.outs[0]):
            self.routine.width(s.outs[0].axes)
        for expr in getattr(s, "terms", ()) or [getattr(s, "expr", sp.S.Zero)]:
            self.routine.width(length.axis for length in sorted(expr.atoms(Size), key=str))
        if isinstance(s, Compute) and self.routine.is_in_place and s.expr != 0:
            self.lower(s)

    def prepare_product(self, s: Product | PullBack) -> None:
        """Nothing: a product for all steps needs no array of its own."""

    def lower(self, s: Compute) -> None:
        (q,), routine = s.outs, self.routine
        if routine.is_once(q):
            return
        lowering = Lowering(lambda p: self.array((p,)), self.place, self.work)
        lower = lowering.add if s.adds else lowering.assign
        self.calls[s] = lower(q, s.expr, self.printer(q))

    def place(self, q: Quantity) -> object:
        """What tells whether two quantities lie in the same memory."""
        return q if self.routine.is_fixed(q) else self.routine.memory.region((q,))

    # names

    def array(self, group: Group) -> str:
        """The array that holds a quantity, or several side by side."""
        routine = self.routine
        if routine.is_fixed(group[0]):
            single = len(group) == 1
            return routine.fixed(group[0]) if single else routine.weight(group)
        region = routine.memory.region(group)
        buffer = region.buffer
        if buffer.role in (Role.ARGUMENT, Role.RESULT):
            return routine.names.buffer(buffer)
        if buffer.span is Span.TRAJECTORY:
            return f"{routine.names.buffer(buffer)}[{'1:' if region.shift else ':-1'}]"
        if region.count == 1:
            routine.use(group[0])
            return routine.names.all(group[0])
        whole = routine.names.buffer(buffer)
        return whole if region.is_whole else f"{whole}[..., {routine.slice(region)}]"

    def sigmoids(self, s: Activate) -> Group:
        """Those of an activation's quantities that are sigmoids; they lie side by side."""
        pairs = zip(s.outs, s.functions, strict=True)
        return tuple(q for q, function in pairs if function == "sigmoid")

    def work(self, axes: Axes, number: int) -> str:
        """A scratch array of a quantity's shape."""
        size = "".join(a.letter for a in axes if a.letter != "H") if axes else "1"
        name = f"work{'_' * bool(size)}{size}{number if number > 1 else ''}"
        return self.borrow(name if self.is_in_loop else f"{name}_s", axes)

    def borrow(self, name: str, axes: Iterable[Axis], is_columns: bool = False) -> str:
        """A scratch array of this name."""
        name = self.routine.names.scratch((name, self.span), name)
        self.scratch[name] = Scratch(name, self.routine.width(axes), is_columns)
        return name

    def name(self, q: Quantity) -> str:
        """A quantity's own name."""
        return self.routine.names.one(q)

    def weight(self, parameters: Group) -> str:
        """Parameters that are stacked, or the one there is."""
        return self.routine.weight(parameters)

    def side_by_side(self, group: Group) -> str:
        """Parameters, or constants, as one vector."""
        names = list(map(self.routine.fixed, group))
        return names[0] if len(names) == 1 else f"np.concatenate([{', '.join(names)}])"

    def is_indexed(self, group: Group) -> bool:
        """Whether an array is written as a part of another, and not by a name of its own."""
        region = self.routine.memory.region(group)
        return region.buffer.span is Span.TRAJECTORY or 1 < region.count < len(region.buffer.parts)

    def makes(self, s: Compute) -> bool:
        """Whether a statement makes the array that it defines."""
        return self.routine.memory.region(s.outs).buffer in self.routine.made

    def is_number(self, expr: sp.Expr) -> bool:
        """Whether an expression is one number."""
        return not axes_of(expr)

    def by_function(self, s: Activate) -> list[tuple[str, list[str]]]:
        """The quantities that each function of an activation gives."""
        found: dict[str, list[str]] = {}
        for q, function in zip(s.outs, s.functions, strict=True):
            found.setdefault(function, []).append(self.name(q))
        return list(found.items())

    # text

    def total(self, s: Total) -> str:
        """The expression whose sum over steps and sequences a statement takes."""
        return self.printer(s.outs[0])(s.terms[0])

    def printer(self, q: Quantity, *, named: bool = False) -> Infix:
        """A printer of the expressions that define a quantity, on this phase's arrays, or on names
        of quantities."""
        routine = self.routine
        place = routine.names.one if named else lambda p: self.array((p,))
        printer = NumPyPrinter(routine.program.rank, place, routine.names.size)
        equation = next((e for e in routine.loop.equations if e.lhs == q), None)
        return printer.written_as(equation) if equation else printer

    def text(self, s: Compute) -> str:
        """The expression of a statement, on arrays."""
        return self.printer(s.outs[0])(s.expr)

    def says(self, s: Compute) -> str:
        """The expression of a statement, in the quantities' names."""
        return self.printer(s.outs[0], named=True)(s.expr)


class OneStep(Phase):
    """The loop: every line is about one step."""

    span = Span.STEP

    def __init__(self, routine: Routine, statements: tuple[Statement, ...]):
        self.columns: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.views: dict[str, str] = {}
        self.seen: dict[Region, str] = {}
        super().__init__(routine, statements)

    def prepare_product(self, s: Product | PullBack) -> None:
        """A product's own array, with sequences as columns, as in the equation: BLAS is up to twice
        as fast with the long side of a wide product first."""
        operands = s.groups[0]
        if self.routine.is_in_place and not self.routine.is_fixed(operands[0]):
            out, weight = self.array(s.outs), self.routine.weight(s.matrices)
            rows = self.array(operands)
            short = s.adds and len(weight + rows) < 30
            axes = (axis for q in s.outs for axis in q.axes)
            self.products[s] = self.borrow(f"{weight}_{rows}" if short else f"{out}_T", axes, True)

    def array(self, group: Group) -> str:
        routine, names = self.routine, self.routine.names
        if routine.is_fixed(group[0]):
            return super().array(group)
        region = routine.memory.region(group)
        buffer = region.buffer
        if buffer.span is Span.STEP:
            return self.of_one_step(group, region)
        if not routine.is_in_place:
            return self.at_step(group, region)
        name = names.one(group[0]) if region.count == 1 else self.together(group, region)
        if group[0] in self.routine.storage.trajectory:
            return name  # what was new in the step before
        if self.seen.setdefault(region, name) == name:
            self.columns[name] = super().array(group)
        else:
            self.aliases[name] = self.seen[region]
        return name

    def of_one_step(self, group: Group, region: Region) -> str:
        """What is kept for one step only has its name there."""
        if region.count == 1:
            self.routine.use(group[0])
            return self.routine.names.one(group[0])
        name = self.together(group, region)
        if not region.is_whole:
            whole = self.routine.names.buffer(region.buffer)
            self.views[name] = f"{whole}[:, {self.routine.slice(region)}]"
        return name

    def at_step(self, group: Group, region: Region) -> str:
        """Step t of an array of all steps."""
        routine, t = self.routine, self.routine.t
        if region.buffer.span is Span.TRAJECTORY:
            return f"{routine.names.buffer(region.buffer)}[{t}{' + 1' * region.shift}]"
        if region.is_whole or region.count == 1:
            return f"{super().array(group)}[{t}]"
        return f"{routine.names.buffer(region.buffer)}[{t}, :, {routine.slice(region)}]"

    def is_indexed(self, group: Group) -> bool:
        is_named = self.routine.is_in_place
        return not is_named and self.routine.memory.region(group).buffer.span is not Span.STEP

    def together(self, group: Group, region: Region) -> str:
        """What neighbours in a stack are called together."""
        names = self.routine.names
        if region.is_whole:
            return names.step_of(region.buffer)
        each = list(map(names.one, group))
        name = "_".join(each)
        short = name if len(name) <= 30 else f"{each[0]}_to_{each[-1]}"
        return names.scratch((region, "together"), short)
