"""A routine whose vectors may lie side by side, as one array: what is there as a whole, what it is
called, and where it is cut into its parts.

What is computed as a whole is handed on as a whole, into the loop, out of it, and to other
routines, and cut where somebody reads a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from derive.backends.functional.call_printer import CallPrinter
from derive.backends.functional.routine import Line, Routine
from derive.backends.printer import width as extent
from derive.nodes import Axes, Quantity
from derive.program.layout import Stack
from derive.program.statements import Group

SHORT = 12  # the letters of a name that is made of several


@dataclass(frozen=True)
class Whole:
    """Vectors side by side in one array: what one step of it is called, and all steps."""

    group: Group
    one: str
    all: str


class Phase:
    """A phase in the making: its lines, what is there as a whole, and what was read.

    given  wholes of the phases before it
    made   its own
    cut    those whose parts have names
    taken  of those given, what was read
    """

    def __init__(self, place: Callable[[Quantity], str], given: Iterable[Whole], *, is_step=False):
        self.place, self.is_step = place, is_step
        self.lines: list[Line] = []
        self.given, self.made = {w.group: w for w in given}, dict[Group, Whole]()
        self.cut: set[Group] = set()
        self.reads: dict[Quantity, None] = {}
        self.taken: dict[Group, Whole] = {}
        self.waiting: set[Quantity] = set()  # what it has still to compute

    def called(self, whole: Whole) -> str:
        """What a whole is called here."""
        return whole.one if self.is_step else whole.all

    @property
    def wholes(self) -> dict[Group, Whole]:
        """All that is there."""
        return self.given | self.made

    def around(self, group: Group) -> tuple[Group, int] | None:
        """A whole that has a group in it, and where."""
        found = ((g, n) for g in self.wholes if (n := place_in(g, group)) is not None)
        return min(found, key=lambda pair: len(pair[0]), default=None)

    def uncut(self, q: Quantity) -> Whole | None:
        """The whole of its own in which a quantity lies without a name."""
        found = (w for g, w in self.made.items() if q in g and g not in self.cut)
        return next(found, None)


def place_in(whole: Group, group: Group) -> int | None:
    """Where in a whole a group lies, its members together and in the same order."""
    places = range(len(whole) - len(group) + 1)
    return next((n for n in places if whole[n : n + len(group)] == group), None)


class Wholes(Routine):
    """A loop under its names, with what lies side by side in it; `write` fills it.

    known   wholes that another routine has made, of all steps
    once    the stacks of parameters, made once a call
    handed  wholes that others get of this one
    parted  after the loop, the parts of what was kept as a whole
    texts   what stands for a term, or for a group
    """

    printer: type[CallPrinter]
    first: Phase
    steps: Phase
    last: Phase
    phase: Phase

    def __init__(self, program, loop, names, later, printer, known: Sequence[Whole] = ()):
        self.known = known
        self.once: list[Line] = []
        self.parted: list[Line] = []
        self.texts: dict[Quantity, str] = {}
        super().__init__(program, loop, names, later, printer)

    # reading

    def named(self, q: Quantity, place: Callable[[Quantity], str]) -> str:
        if q in self.texts:
            return self.texts[q]
        self.phase.reads[q] = None
        if whole := self.phase.uncut(q):
            self._cut(self.phase, whole)
        return super().named(q, place)

    def read(self, q: Quantity) -> str:
        """A quantity, where the phase stands."""
        return self.named(q, self.phase.place)

    def read_group(self, group: Group) -> str:
        """Parameters one above the other, or vectors side by side."""
        return self._stack(group) if group[0] in self.fixed else self.read_whole(group)

    def read_whole(self, group: Group) -> str:
        """Vectors side by side: as they were made, a part of that, or put together."""
        phase = self.phase
        if group not in phase.wholes:
            home = phase
            if found := phase.around(group):
                around, at = found
                home = self.first if around in self.first.wholes else phase
                ends = (self.width(around[:at]), self.width(around[: at + len(group)]))
                source = home.wholes[around].all if home is self.first else self.read_whole(around)
                text = self.printer.part(source, *ends)
            else:
                text = self.printer.beside(self._pieces(group))
            self._make(home, group, text, has_parts=True)
            if home is not phase:
                phase.given[group] = home.made[group]
        if group in phase.given:
            phase.taken[group] = phase.given[group]
        return phase.called(phase.wholes[group])

    def _pieces(self, group: Group) -> list[str]:
        """The largest wholes that are there, and single vectors, which together are the group."""
        pieces: list[str] = []
        while group:
            there = [g for g in self.phase.wholes if g == group[: len(g)]]
            piece = max(there, key=len, default=group[:1])
            pieces.append(self.read_whole(piece) if piece in there else self.read(piece[0]))
            group = group[len(piece) :]
        return pieces

    def width(self, group: Group) -> str:
        self.use(axis for q in group for axis in q.axes)
        return extent(group, self.names.size) if group else ""

    def _as_one(self, vectors: Group) -> Group | None:
        """The vectors in the order in which they lie side by side; None where they do not."""
        for whole in self.phase.wholes:
            own = tuple(q for q in whole if q in vectors)
            if len(own) == len(vectors) and place_in(whole, own) is not None:
                return own
        return None

    # making and cutting

    def _make(self, phase: Phase, group: Group, text: str, *, has_parts: bool) -> None:
        """A line for a whole; where its parts have names already, it need not be cut."""
        name = self._name(group)
        ends = ("", "" if group[0] in self.fixed else "_s")
        one, every = (self._named((group, end), name + end) for end in ends)
        phase.made[group] = Whole(group, one, every)
        phase.lines.append(Line(phase.called(phase.made[group]), text))
        phase.waiting -= set(group)
        if has_parts:
            phase.cut.add(group)

    def _named(self, key: object, name: str) -> str:
        """A name that is the same in all routines."""
        if key not in self.names.given:
            self.names.given[key] = self.names.free(name)
        return self.names.given[key]

    def _name(self, group: Group) -> str:
        """What vectors side by side are called: as the layout calls the stack, or after what their
        names have in common."""
        for variant, called in self.program.variants.items():
            for stack in self.program.layout.stacks:
                if group == tuple(called.get(q) for q in stack.members):
                    return variant.of(stack.name)
        joined = "_".join(q.name for q in group)
        return joined if len(joined) < SHORT else Stack.of(group).name

    def _cut(self, phase: Phase, whole: Whole, at: int | None = None) -> None:
        """A line that names the parts of a whole, the last one or where it is said."""
        phase.cut.add(whole.group)
        names = [self.names.one(q) if q in self.fixed else phase.place(q) for q in whole.group]
        line = self._parts(names, phase.called(whole), whole.group, -1)
        phase.lines.insert(len(phase.lines) if at is None else at, line)

    def _parts(self, names: Sequence[str], text: str, group: Group, axis: int) -> Line:
        """A line that names the parts of what is side by side, or one above the other."""
        self.use(q.axes[axis] for q in group)
        lengths = [self.names.size(q.axes[axis]) for q in group]
        return Line(", ".join(names), self.printer.parts(text, lengths, axis))

    def cut_what_is_read(self) -> None:
        """Cut what a later phase, or somebody else, reads parts of. What is kept of every step is
        kept as a whole where all of it is read."""
        output = {self.program.cell.output}
        others = {*self.later, *self.loop.ends}
        late = {*self.last.reads, *others}
        self.handed = self._handed()
        away = {q for whole in self.handed for q in whole.group} - output
        kept = [w for g, w in self.steps.made.items() if late.issuperset(g) and w in self.handed]
        for whole in kept:
            self.last.taken[whole.group] = whole
            if (output | set(self.last.reads)) & set(whole.group):
                names = [self.names.all(q) for q in whole.group]
                self.parted.append(self._parts(names, whole.all, whole.group, -1))
        self.apart = frozenset(q for whole in kept for q in whole.group)
        leaving = {c.leaving for c in self.loop.carries}
        for whole in self.known:
            if {*self.first.reads, *self.steps.reads, *late} & set(whole.group):
                self._cut(self.first, whole, at=0)
        for phase, read in (
            (self.first, {*self.steps.reads, *self.last.reads, *(others - away)}),
            (self.steps, late - self.apart | leaving),
            (self.last, others),
        ):
            for group, whole in phase.made.items():
                if group not in phase.cut and read & set(group):
                    self._cut(phase, whole)

    def _handed(self) -> list[Whole]:
        """What others read all of, and get as a whole; none of it twice."""
        found: list[Whole] = []
        own = (*self.first.made.values(), *self.steps.made.values())
        for whole in own if not self.loop.reverse else ():
            there = {q for w in found for q in w.group}
            is_read = self.later.issuperset(whole.group) and not self.fixed & set(whole.group)
            if is_read and not there & set(whole.group):
                found.append(whole)
        return found

    # parameters

    def _stack(self, parameters: Group, *, turned: bool = False) -> str:
        """What is the same at every step, one above the other, transposed if turned; a line for it,
        once."""
        if parameters in self.first.made:
            return self.first.made[parameters].one
        name, text = self._stack_name(parameters), self.names.one(parameters[0])
        if len(parameters) > 1:
            text = self.printer.above([self.names.one(p) for p in parameters])
        if turned:
            name, text = self.names.scratch((parameters, "T"), f"{name}_T"), f"{text}.T"
        computed = not self.program.parameters.of.keys() >= set(parameters)
        lines, line = (self.first.lines if computed else self.once), Line(name, text)
        if text != name and line not in lines:
            lines.append(line)
        return name

    def _stack_name(self, parameters: Group) -> str:
        if len(parameters) == 1:
            return self.names.one(parameters[0])
        if set(parameters) <= self.program.parameters.of.keys():
            variants, own = zip(*(self.program.parameters[p] for p in parameters), strict=True)
            for weights in self.program.layout.weights:
                if weights.parameters == own and len(set(variants)) == 1:
                    return self.names.weights(variants[0], weights.name)
        return self.names.scratch(parameters, self._name(parameters))

    def stand_in(self, text: str, axes: Axes) -> Quantity:
        """A quantity that a text stands for."""
        found = Quantity(text, axes)
        self.texts[found] = text
        return found

    # what the loop takes and leaves

    @property
    def arrays_taken(self) -> list[tuple[str, str]]:
        own = {*self._made, *(c.entering for c in self.loop.carries), *self.fixed}
        read = dict.fromkeys([*self.steps.reads, *(c.leaving for c in self.loop.carries)])
        singles = [(self.names.one(q), self.names.all(q)) for q in read if q not in own]
        return [*singles, *((w.one, w.all) for w in self.steps.taken.values())]

    @property
    def kept_groups(self) -> list[Group]:
        """What is kept of every step: vectors alone, and wholes."""
        late = {*self.last.reads, *self.later}
        alone = [(q,) for q in self.kept if q in late and q not in self.apart]
        return [*alone, *(group for group in self.last.taken if group in self.steps.made)]

    @property
    def arrays_kept(self) -> list[tuple[str, str, str]]:
        found = []
        for group in self.kept_groups:
            if group in self.steps.made:
                whole = self.steps.made[group]
                found.append((whole.one, whole.all, f"{self.WITHIN}, {self.width(group)}"))
            else:
                (q,) = group
                called = self.names.one(q), self.names.all(q)
                found.append((*called, self.lengths(q, self.WITHIN)))
        return found
