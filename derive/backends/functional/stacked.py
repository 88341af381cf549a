"""A routine in which what can be computed for all gates at once is one call.

Where calls cost, one call for all gates is worth more than one for each. Matrices that are
multiplied with the same vector are put one above the other, once a call, and the product is cut
into its parts; on the way back vectors are put side by side, and multiplied with the same stack.
What is computed as a whole is handed on as a whole, into the loop, out of it, and to other
routines, and cut where somebody reads a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from derive.backends.functional.printer import StackingPrinter
from derive.backends.functional.routine import Line, Routine
from derive.backends.functional.together import Alike, Outers, Products, Together
from derive.backends.printer import width as extent
from derive.cell import Equation
from derive.nodes import FeatureSum, MatVec, Quantity, symbols_of
from derive.program.assemble import reduced
from derive.program.layout import Stack
from derive.program.statements import Group


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


class Stacked(Routine):
    """A loop under its names, in wholes.

    known   wholes that another routine has made, of all steps
    once    the stacks of parameters
    parted  after the loop, the parts of what was kept as a whole
    """

    printer: type[StackingPrinter]

    def __init__(self, program, loop, names, later, printer, known: Sequence[Whole] = ()):
        self.known = known
        super().__init__(program, loop, names, later, printer)

    def write(self) -> None:
        self.names, loop = self.names.child(), self.loop
        self.once: list[Line] = []
        self.texts: dict[Quantity, str] = {}  # what stands for a term, or for a group
        self.together = Together(self.program, loop, self.fixed)
        self.first = self.phase = Phase(self.names.all, self.known)
        self._fill(loop.before, self.ALL)
        there = self.first.wholes
        self.steps = self.phase = Phase(self.names.one, there.values(), is_step=True)
        self._fill(loop.during, self.WITHIN)
        there = self.first.wholes | self.steps.made
        self.last = self.phase = Phase(self.names.all, there.values())
        self._fill(loop.after, self.ALL)
        self._cut_what_is_read()
        self.before, self.during, self.after = self.first.lines, self.steps.lines, self.last.lines

    def _fill(self, equations: Sequence[Equation], leading: str) -> None:
        """Write the lines of a phase."""
        self.phase.waiting = {e.lhs for e in equations}
        self.leading = leading
        self.instead: dict[Equation, dict[sp.Expr, sp.Expr]] = {e: {} for e in equations}
        least = 1 if self.phase.is_step else 2
        found: list[Products | Outers | Alike] = [
            *self.together.products(equations, least),
            *self.together.outers(equations),
            *self.together.alike(equations),
            *self.together.activations(equations),
        ]
        by_sum = [some for some in found if some.members[0].lhs in self.loop.totals]
        together = {e for some in by_sum for e in some.members}
        for e in equations:
            if e not in together:
                self._with_others(e, [some for some in found if e in some.members])
        for some in by_sum:  # nobody reads them
            self._sums(some)
            for e in some.members:
                self._with_others(e, ())

    def _with_others(self, e: Equation, found: Iterable[Products | Outers | Alike]) -> None:
        """An equation, as one with others where it is the first of them, or by itself."""
        for some in found:
            if isinstance(some, Products) and self.phase.waiting.issuperset(
                m.lhs for m in some.members
            ):
                self._products(some)
            elif isinstance(some, Alike) and e.lhs in self.phase.waiting:
                self._alike(some, e)
        if e.lhs in self.phase.waiting:
            self._alone(e)

    def _sums(self, some: Products | Outers | Alike) -> None:
        """Gradients, as one where that can be."""
        match some:
            case Outers():
                self._outers(some)
            case Alike():
                self._totals(some)

    def _alone(self, e: Equation) -> None:
        """An equation by itself."""
        self._pull_back(e)
        vectors = reduced(e.rhs)
        if len(vectors) > 1 and (there := self._as_one(vectors)):
            rhs: sp.Expr = FeatureSum(self._stand_in(self.read_whole(there), vectors[0].axes))
        else:
            rhs = sp.Add(*(self.instead[e].get(t, t) for t in sp.Add.make_args(e.rhs)))
        line = self._line(replace(e, rhs=rhs), self.phase.place, self.leading)
        self.phase.lines.append(replace(line, is_own=line.is_own and rhs not in self.texts))
        self.phase.waiting.discard(e.lhs)

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
                text = self.printer.part(home.called(home.wholes[around]), *ends)
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

    def _cut_what_is_read(self) -> None:
        """Cut what a later phase, or somebody else, reads parts of. What is kept of every step is
        kept as a whole where all of it is read."""
        output = {self.program.cell.output}
        others = {*self.later, *self.loop.ends}
        late = {*self.last.reads, *others}
        self.handed = self._handed()
        away = {q for whole in self.handed for q in whole.group} - output
        self.parted: list[Line] = []
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

    # products

    def _products(self, some: Products) -> None:
        """The products that equations share; all of the equations, where nothing else in them
        stands in the way."""
        group = tuple(e.lhs for e in some.members)
        rests = [
            [
                term
                for term in sp.Add.make_args(e.rhs)
                if all(term != MatVec(own[n], v) for v, own in some.factors.items())
            ]
            for n, e in enumerate(some.members)
        ]
        if len(group) == 1:
            self._single(some, rests[0])
        elif (summands := self._summands(rests)) is not None:
            self._make(self.phase, group, self._sum(some.factors, summands), has_parts=False)
        elif shared := self._shared(rests):
            names = [self.names.scratch(q, f"{q}_part") for q in group]
            text = self._sum(some.factors, shared)
            self.phase.lines.append(
                self._parts(names, text if "(" in text else f"({text})", group, -1)
            )
            for n, (e, name) in enumerate(zip(some.members, names, strict=True)):
                done = [MatVec(own[n], v) for v, own in some.factors.items()]
                done += [summands[n] for summands in shared]
                self._put_instead(e, done[0], name)
                self.instead[e] |= dict.fromkeys(done[1:], sp.S.Zero)
        else:
            for v, matrices in some.factors.items():
                names = [self.names.scratch((m, v), f"{m}_{v}") for m in matrices]
                line = self._parts(names, f"({self._product(v, matrices)})", group, -1)
                self.phase.lines.append(line)
                for e, matrix, name in zip(some.members, matrices, names, strict=True):
                    self._put_instead(e, MatVec(matrix, v), name)

    def _shared(self, rests: list[list[sp.Expr]]) -> list[Group]:
        """Of what else equations add up, vectors that lie side by side, one of each equation."""
        found = []
        for whole in self.phase.wholes:
            own = tuple(t for rest in rests for t in rest if t in whole)
            one_each = all(sum(t in whole for t in rest) == 1 for rest in rests)
            if one_each and place_in(whole, own) is not None:
                found.append(own)
        return found[:1]

    def _single(self, some: Products, rest: list[sp.Expr]) -> None:
        """Products of one equation alone, with what they are added to."""
        (e,) = some.members
        for v, matrices in some.factors.items():
            vectors = (t for t in rest if self.together.is_vector(t) and t.axes == e.lhs.axes)
            base, term = next(vectors, None), MatVec(matrices[0], v)
            if base is None:
                self._put_instead(e, term, self._product(v, matrices))
                continue
            rest.remove(base)
            turned = self._stack(matrices, turned=True)
            text = self.printer.sum_and_product(self.read(base), self.read(v), turned)
            self._put_instead(e, term, text)
            self.instead[e][base] = sp.S.Zero

    def _stand_in(self, text: str, axes: tuple) -> Quantity:
        """A quantity that a text stands for."""
        found = Quantity(text, axes)
        self.texts[found] = text
        return found

    def _put_instead(self, e: Equation, term: sp.Expr, text: str) -> None:
        """Let a text stand for a term of an equation."""
        self.instead[e][term] = self._stand_in(text, e.lhs.axes)

    def _product(self, operand: Quantity, matrices: Group) -> str:
        return f"{self.read(operand)} @ {self._stack(matrices, turned=True)}"

    def _summands(self, rests: list[list[sp.Expr]]) -> list[Group] | None:
        """What else equations add up, each the same number of parameters and of vectors that lie
        side by side: groups of these. None where there is anything else."""
        columns = []
        for rest in rests:
            if not all(isinstance(t, Quantity) and len(t.axes) == 1 for t in rest):
                return None
            fixed = [t for t in rest if t in self.fixed]
            moving = sorted((t for t in rest if t not in self.fixed), key=str)
            columns.append([*sorted(fixed, key=self._order), *moving])
        if len({tuple(t in self.fixed for t in column) for column in columns}) > 1:
            return None
        groups = list(zip(*columns, strict=True))
        is_there = (g[0] in self.fixed or self.phase.around(g) for g in groups)
        return groups if all(is_there) else None

    def _order(self, p: Quantity) -> tuple[int, str]:
        is_own = p in self.program.parameters
        return (self.together.rank(p) if is_own else -1), p.name

    def _sum(self, factors: Mapping[Quantity, Group], summands: list[Group]) -> str:
        """The sum of products and others, all of them for a group at once."""
        moving = [self.read_whole(g) for g in summands if g[0] not in self.fixed]
        fixed = [self._stack(g) for g in summands if g[0] in self.fixed]
        if not self.phase.is_step or not moving:
            return " + ".join([*(self._product(v, m) for v, m in factors.items()), *fixed, *moving])
        base, *others = moving
        for v, matrices in factors.items():
            turned = self._stack(matrices, turned=True)
            base = self.printer.sum_and_product(base, self.read(v), turned)
        return " + ".join([base, *others, *fixed])

    def _pull_back(self, e: Equation) -> None:
        """Products with transposed matrices: of vectors side by side, with a stack."""
        for terms in self.together.pulled(e):
            matrices, vectors = zip(*terms.values(), strict=True)
            first, *others = terms
            text = f"{self.read_whole(vectors)} @ {self._stack(matrices)}"
            self._put_instead(e, first, text)
            self.instead[e] |= dict.fromkeys(others, sp.S.Zero)

    # equations of one form

    def _alike(self, some: Alike, e: Equation) -> None:
        """Elementwise equations of one form, where what they read lies side by side."""
        members = self._run_of(some, e)
        beside = some.beside
        if members != some.members:
            beside = (tuple(m.rhs.args[0] for m in members),)
        group = tuple(m.lhs for m in members)
        if len(group) == 1 and (whole := self.phase.uncut(e.rhs.args[0])):
            self._of_part(e, whole)
        elif len(group) > 1 and set(group) <= self.phase.waiting and self._is_worth(group, beside):
            self._make(self.phase, group, self._text(members[0], beside), has_parts=False)

    def _run_of(self, some: Alike, e: Equation) -> tuple[Equation, ...]:
        """The equations themselves or, of a function's, those whose arguments are neighbours in one
        whole."""
        if len(some.beside) != 1 or self._is_there(some.beside[0]):
            return some.members
        own = {m.rhs.args[0]: m for m in some.members if m.rhs.args}
        found = self.phase.around(e.rhs.args[:1])
        if not found or e.rhs.args[0] not in own:
            return ()
        whole, at = found
        start, stop = at, at + 1
        while start and whole[start - 1] in own:
            start -= 1
        while stop < len(whole) and whole[stop] in own:
            stop += 1
        return tuple(own[q] for q in whole[start:stop])

    def _is_worth(self, group: Group, beside: Sequence[Group]) -> bool:
        """Whether equations as one take fewer calls, with what has to be put together for that."""
        missing = [g for g in beside if not self._is_there(g)]
        is_possible = all(map(self._can_be_put_together, missing))
        return is_possible and len(missing) < len(group) - 1

    def _of_part(self, e: Equation, whole: Whole) -> None:
        """A function of what is a part of a whole, and has no name."""
        (q,), at = e.rhs.args, whole.group.index(e.rhs.args[0])
        ends = (self.width(whole.group[:at]), self.width(whole.group[: at + 1]))
        part = self._stand_in(self.printer.part(self.phase.called(whole), *ends), q.axes)
        self.instead[e][e.rhs] = e.rhs.xreplace({q: part})

    def _is_there(self, group: Group) -> bool:
        """Whether a group can be read as one."""
        if all(q in self.fixed for q in group):
            return True
        return not self.phase.waiting & set(group) and self.phase.around(group) is not None

    def _can_be_put_together(self, group: Group) -> bool:
        """Whether a step has made all of a group, so that it can put it together."""
        is_made = set(group) <= {e.lhs for e in self.loop.during} - self.phase.waiting
        return self.phase.is_step and is_made

    def _text(self, e: Equation, beside: Iterable[Group]) -> str:
        """The right-hand side of the first of some equations, for all of them."""
        with_groups = {
            g[0]: self._stand_in(self.read_group(g), g[0].axes)
            for g in beside
            if g[0] in symbols_of(e.rhs)
        }
        return self._line(
            replace(e, rhs=e.rhs.xreplace(with_groups)), self.phase.place, self.leading
        ).text

    def _totals(self, some: Alike) -> None:
        """Gradients that are sums of one form."""
        if all(map(self._is_there, some.beside)):
            self._give_parts(some, self._text(some.members[0], some.beside))

    def _outers(self, some: Outers) -> None:
        """Gradients that are outer products with the same vectors."""
        totals = [
            self.printer.outer_total(self.read_whole(lefts), self.read(right))
            for right, lefts in some.factors.items()
        ]
        self._give_parts(some, " + ".join(totals))

    def _give_parts(self, some: Outers | Alike, text: str) -> None:
        """Gradients as parts of one."""
        group = tuple(e.lhs for e in some.members)
        text = f"({text})" if " + " in text else text
        names = [self.names.one(q) for q in group]
        self.phase.lines.append(self._parts(names, text, group, 0))
        self.phase.waiting -= set(group)

    # what the loop takes and leaves

    @property
    def arrays_taken(self) -> list[tuple[str, str]]:
        own = {*self._made, *(c.entering for c in self.loop.carries), *self.fixed}
        read = dict.fromkeys([*self.steps.reads, *(c.leaving for c in self.loop.carries)])
        singles = [(self.names.one(q), self.names.all(q)) for q in read if q not in own]
        return [*singles, *((w.one, w.all) for w in self.steps.taken.values())]

    @property
    def arrays_kept(self) -> list[tuple[str, str, str]]:
        late = {*self.last.reads, *self.later}
        found = [
            (self.names.one(q), self.names.all(q), self.lengths(q, self.WITHIN))
            for q in self.kept
            if q in late and q not in self.apart
        ]
        for group, whole in self.last.taken.items():
            if group in self.steps.made:
                found.append((whole.one, whole.all, f"{self.WITHIN}, {self.width(group)}"))
        return found


SHORT = 12  # the letters of a name that is made of several


def place_in(whole: Group, group: Group) -> int | None:
    """Where in a whole a group lies, its members together and in the same order."""
    places = range(len(whole) - len(group) + 1)
    return next((n for n in places if whole[n : n + len(group)] == group), None)
