"""A routine in which products of one phase that share an operand are one product.

Where calls cost, one call for all gates is worth more than one for each. Matrices that are multiplied
with the same vector are put one above the other, once a call, and the product is cut into its parts;
on the way back vectors are put side by side, and multiplied with the same stack. What is computed
as a whole is handed on as a whole, into the loop and out of it, and cut where somebody reads a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from derive.backends.functional.printer import FunctionalPrinter
from derive.backends.functional.routine import Line, Routine
from derive.backends.printer import width
from derive.cell import Equation
from derive.nodes import MatVec, Outer, Quantity, Transposed, symbols_of
from derive.program.layout import Stack
from derive.program.statements import Group


class StackingPrinter(FunctionalPrinter):
    """A printer that can write stacks, too."""

    @staticmethod
    def beside(names: Sequence[str]) -> str:
        """Vectors side by side."""
        raise NotImplementedError

    @staticmethod
    def above(names: Sequence[str]) -> str:
        """Matrices one above the other, or vectors that are parameters one behind the other."""
        raise NotImplementedError

    @staticmethod
    def part(name: str, start: str, stop: str) -> str:
        """The entries from `start` on and before `stop`, of each vector."""
        raise NotImplementedError

    @staticmethod
    def parts(text: str, lengths: Sequence[str], axis: int) -> str:
        """All parts, so long, along an axis."""
        raise NotImplementedError

    @staticmethod
    def sum_and_product(base: str, rows: str, matrix: str) -> str:
        """A matrix plus a product of two."""
        raise NotImplementedError

    @staticmethod
    def vector_total(vectors: str) -> str:
        """The sum of vectors over all steps and sequences."""
        raise NotImplementedError

    @staticmethod
    def outer_total(lefts: str, rights: str) -> str:
        """The sum of outer products over all steps and sequences."""
        raise NotImplementedError


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
    """

    def __init__(self, place: Callable[[Quantity], str], given: Iterable[Whole], *, is_step=False):
        self.place, self.is_step = place, is_step
        self.lines: list[Line] = []
        self.given, self.made = {w.group: w for w in given}, dict[Group, Whole]()
        self.cut: set[Group] = set()
        self.reads: dict[Quantity, None] = {}
        self.taken: dict[Group, Whole] = {}

    def called(self, whole: Whole) -> str:
        """What a whole is called here."""
        return whole.one if self.is_step else whole.all

    @property
    def wholes(self) -> dict[Group, Whole]:
        """All that is there."""
        return self.given | self.made

    def whole_with(self, q: Quantity) -> Whole | None:
        """The whole of its own in which a quantity lies, and has no name yet."""
        found = (w for g, w in self.made.items() if q in g and g not in self.cut)
        return next(found, None)


class Stacked(Routine):
    """A loop under its names, its products stacked.

    once  the stacks of parameters
    """

    printer: type[StackingPrinter]

    def write(self) -> None:
        self.names = self.names.child()
        self.once: list[Line] = []
        self.texts: dict[Quantity, str] = {}  # what stands for a term
        self.rank = {p: n for n, p in enumerate(self.program.layout.parameters)}
        loop, names = self.loop, self.names
        self.first = self.phase = Phase(names.all, ())
        self._fill(loop.before, self.ALL)
        self.steps = self.phase = Phase(names.one, self.first.made.values(), is_step=True)
        self._fill(loop.during, self.WITHIN)
        wholes = (*self.first.made.values(), *self.steps.made.values())
        self.last = self.phase = Phase(names.all, wholes)
        self._fill(loop.after, self.ALL)
        self._cut_what_is_read()
        self.before, self.during, self.after = self.first.lines, self.steps.lines, self.last.lines

    # reading

    def named(self, q: Quantity, place: Callable[[Quantity], str]) -> str:
        if q in self.texts:
            return self.texts[q]
        if q not in self.fixed:
            self.phase.reads[q] = None
            if whole := self.phase.whole_with(q):
                self._cut(self.phase, whole)
        return super().named(q, place)

    def read(self, q: Quantity) -> str:
        """A quantity, where the phase stands."""
        return self.named(q, self.phase.place)

    def read_whole(self, group: Group) -> str:
        """Vectors side by side: as they were made, a part of that, or put together."""
        phase = self.phase
        if group not in phase.wholes:
            around, at = next(
                ((g, n) for g in phase.wholes if (n := _at(group, g)) is not None), ((), 0)
            )
            home = self.first if around in self.first.made else phase
            if around:
                ends = (self._width(around[:at]), self._width(around[: at + len(group)]))
                text = self.printer.part(home.called(home.wholes[around]), *ends)
            else:
                home, text = phase, self.printer.beside(self._pieces(group))
            self._make(home, group, text, has_parts=True)
            if home is not phase:
                phase.given[group] = home.made[group]
        whole = phase.wholes[group]
        if group in phase.given:
            phase.taken[group] = whole
        return phase.called(whole)

    def _pieces(self, group: Group) -> list[str]:
        """The largest wholes that are there, and single vectors, which together are the group."""
        pieces: list[str] = []
        while group:
            there = [g for g in self.phase.wholes if g == group[: len(g)]]
            piece = max(there, key=len, default=group[:1])
            pieces.append(self.read_whole(piece) if piece in there else self.read(piece[0]))
            group = group[len(piece) :]
        return pieces

    def _width(self, group: Group) -> str:
        self.use(axis for q in group for axis in q.axes)
        return width(group, self.names.size) if group else ""

    # making and cutting

    def _make(self, phase: Phase, group: Group, text: str, *, has_parts: bool) -> None:
        """A line for a whole; where its parts have names already, it need not be cut."""
        name = self._name(group)
        one, every = (self.names.scratch((group, end), name + end) for end in ("", "_s"))
        phase.made[group] = Whole(group, one, every)
        phase.lines.append(Line(phase.called(phase.made[group]), text))
        if has_parts:
            phase.cut.add(group)

    def _name(self, group: Group) -> str:
        """What vectors side by side are called: as the layout calls the stack, or after what their
        names have in common."""
        for variant, called in self.program.variants.items():
            for stack in self.program.layout.stacks:
                if group == tuple(called.get(q) for q in stack.members):
                    return variant.of(stack.name)
        return Stack.of(group).name

    def _cut(self, phase: Phase, whole: Whole) -> None:
        """A line that names the parts of a whole."""
        phase.cut.add(whole.group)
        names = [phase.place(q) for q in whole.group]
        phase.lines.append(self._parts(names, phase.called(whole), whole.group, -1))

    def _parts(self, names: Sequence[str], text: str, group: Group, axis: int) -> Line:
        """A line that names the parts of what is side by side, or one above the other."""
        self.use(q.axes[axis] for q in group)
        lengths = [self.names.size(q.axes[axis]) for q in group]
        return Line(", ".join(names), self.printer.parts(text, lengths, axis))

    def _cut_what_is_read(self) -> None:
        """Cut what a later phase, or somebody else, reads parts of."""
        others = {*self.later, *self.loop.ends}
        for phase, late in (
            (self.first, {*self.steps.reads, *self.last.reads, *others}),
            (self.steps, {*self.last.reads, *others}),
            (self.last, others),
        ):
            for group, whole in phase.made.items():
                if group not in phase.cut and late & set(group):
                    self._cut(phase, whole)

    # parameters

    def _stack(self, parameters: Group, *, turned: bool = False) -> str:
        """Parameters one above the other, transposed if turned; a line for them, once."""
        name = self._stack_name(parameters)
        text = name
        if len(parameters) > 1:
            text = self.printer.above([self.names.one(p) for p in parameters])
        if turned:
            name, text = self.names.scratch((parameters, "T"), f"{name}_T"), f"{text}.T"
        line = Line(name, text)
        if text != name and line not in self.once:
            self.once.append(line)
        return name

    def _stack_name(self, parameters: Group) -> str:
        if len(parameters) == 1:
            return self.names.one(parameters[0])
        variants, own = zip(*(self.program.parameters[p] for p in parameters), strict=True)
        for weights in self.program.layout.weights:
            if weights.parameters == own and len(set(variants)) == 1:
                return self.names.weights(variants[0], weights.name)
        return self.names.scratch(parameters, Stack.of(parameters).name)

    def _rank(self, p: Quantity) -> int:
        """A parameter's place in memory's order, whatever its variant."""
        return self.rank[self.program.parameters[p][1]]

    def _is_matrix(self, p: sp.Expr) -> bool:
        """Whether it is a parameter with rows and columns, and no heads."""
        return p in self.program.parameters and p in self.fixed and len(p.axes) == 2

    def _is_vector(self, q: sp.Expr) -> bool:
        """Whether it is a vector of each step."""
        return isinstance(q, Quantity) and q not in self.fixed and len(q.axes) == 1

    # equations

    def _fill(self, equations: Sequence[Equation], leading: str) -> None:
        """Write the lines of a phase."""
        self.instead: dict[Equation, dict[sp.Expr, sp.Expr]] = {e: {} for e in equations}
        sharing, totals = self._sharing(equations), self._totals(equations)
        done: set[Equation] = set()
        for e in equations:
            for members, operands in sharing.get(e, ()):
                done |= self._products(members, operands)
            for members in totals.get(e, ()):
                self._total_of(members)
            if e in done or any(e in some for all_ in totals.values() for some in all_):
                continue
            self._pull_back(e)
            kept = sp.Add(*(self.instead[e].get(t, t) for t in sp.Add.make_args(e.rhs)))
            line = self._line(replace(e, rhs=kept), self.phase.place, leading)
            self.phase.lines.append(replace(line, is_own=line.is_own and kept not in self.texts))

    def _sharing(
        self, equations: Sequence[Equation]
    ) -> dict[Equation, list[tuple[list[Equation], list[Quantity]]]]:
        """By the first of them, equations that have products with the same operands."""
        found: dict[Quantity, dict[Equation, Quantity]] = {}
        for e in equations:
            if len(e.lhs.axes) == 1 and e.lhs not in self.loop.totals:
                for matrix, operand in self._factors(e):
                    found.setdefault(operand, {}).setdefault(e, matrix)
        least = 1 if self.phase.is_step else 2
        sets: dict[frozenset[Equation], list[Quantity]] = {}
        for operand, own in found.items():
            if len(own) >= least:
                sets.setdefault(frozenset(own), []).append(operand)
        by_first: dict[Equation, list[tuple[list[Equation], list[Quantity]]]] = {}
        for some, operands in sets.items():
            first = next(e for e in equations if e in some)
            of_first = found[operands[0]]
            ranks = {e: (self._rank(of_first[e]), str(e.lhs)) for e in some}
            by_first.setdefault(first, []).append((sorted(some, key=ranks.__getitem__), operands))
        return by_first

    def _factors(self, e: Equation) -> Iterable[tuple[Quantity, Quantity]]:
        """The matrix and the operand of an equation's products."""
        for term in sp.Add.make_args(e.rhs):
            if isinstance(term, MatVec):
                matrix, operand = term.args
                if self._is_matrix(matrix) and self._is_vector(operand):
                    yield matrix, operand

    def _products(self, members: list[Equation], operands: list[Quantity]) -> set[Equation]:
        """Write the products that equations share; all of the equations, where nothing else in them
        stands in the way. Returns those that are written."""
        matrices = {
            v: tuple(next(m for m, w in self._factors(e) if w == v) for e in members)
            for v in operands
        }
        terms = {v: [MatVec(m, v) for m in matrices[v]] for v in operands}
        taken = {e: [terms[v][n] for v in operands] for n, e in enumerate(members)}
        rest = [[t for t in sp.Add.make_args(e.rhs) if t not in taken[e]] for e in members]
        group = tuple(e.lhs for e in members)
        if len(members) > 1 and (summands := self._summands(rest, group[0].axes)) is not None:
            self._make(self.phase, group, self._sum(matrices, summands), has_parts=False)
            return set(members)
        if len(members) == 1:
            self._single(members[0], matrices, rest[0])
            return set()
        for v in operands:
            names = [self.names.scratch((m, v), f"{m}_{v}") for m in matrices[v]]
            text = f"({self._product(v, matrices[v])})"
            self.phase.lines.append(self._parts(names, text, group, -1))
            for e, term, name in zip(members, terms[v], names, strict=True):
                self._put_instead(e, term, name)
        return set()

    def _single(
        self, e: Equation, matrices: dict[Quantity, Group], rest: list[sp.Expr]
    ) -> None:
        """Products of one equation alone, with what they are added to."""
        for v, (matrix,) in matrices.items():
            base = next((t for t in rest if self._is_vector(t) and t.axes == e.lhs.axes), None)
            term = MatVec(matrix, v)
            if base is None:
                self._put_instead(e, term, self._product(v, (matrix,)))
                continue
            rest.remove(base)
            whole = self.printer.sum_and_product(
                self.read(base), self.read(v), self._stack((matrix,), turned=True)
            )
            self._put_instead(e, term, whole)
            self.instead[e][base] = sp.S.Zero

    def _put_instead(self, e: Equation, term: sp.Expr, text: str) -> None:
        """Let a text stand for a term of an equation."""
        stand_in = Quantity(text, e.lhs.axes)
        self.texts[stand_in] = text
        self.instead[e][term] = stand_in

    def _product(self, operand: Quantity, matrices: Group) -> str:
        return f"{self.read(operand)} @ {self._stack(matrices, turned=True)}"

    def _summands(self, rests: list[list[sp.Expr]], axes: object) -> list[Group] | None:
        """What else equations add up, each the same number of parameters and of vectors that lie
        side by side: groups of these. None where there is anything else."""
        columns: list[list[Quantity]] = []
        for rest in rests:
            if not all(isinstance(t, Quantity) and t.axes == axes for t in rest):
                return None
            own = [t for t in rest if t in self.program.parameters and t in self.fixed]
            moving = [t for t in rest if self._is_vector(t)]
            if len(own) + len(moving) < len(rest):
                return None
            columns.append([*sorted(own, key=self._rank), *sorted(moving, key=str)])
        if len({tuple(self._is_vector(q) for q in column) for column in columns}) > 1:
            return None
        groups = list(zip(*columns, strict=True))
        there = self.phase.wholes
        for group in groups:
            if self._is_vector(group[0]) and all(_at(group, g) is None for g in there):
                return None
        return groups

    def _sum(self, matrices: dict[Quantity, Group], summands: list[Group]) -> str:
        """The sum of products and others, all of them for a group at once."""
        moving = [self.read_whole(g) for g in summands if self._is_vector(g[0])]
        fixed = [self._stack(g) for g in summands if not self._is_vector(g[0])]
        if not self.phase.is_step or not moving:
            return " + ".join([*(self._product(v, m) for v, m in matrices.items()), *fixed, *moving])
        base, *others = moving
        for v, some in matrices.items():
            base = self.printer.sum_and_product(base, self.read(v), self._stack(some, turned=True))
        return " + ".join([base, *others, *fixed])

    def _pull_back(self, e: Equation) -> None:
        """Products with transposed matrices: of vectors side by side, with a stack."""
        found: dict[object, dict[sp.Expr, tuple[Quantity, Quantity]]] = {}
        for term in sp.Add.make_args(e.rhs) if e.lhs not in self.loop.totals else ():
            if isinstance(term, MatVec) and isinstance(term.args[0], Transposed):
                (matrix,), vector = term.args[0].args, term.args[1]
                if self._is_matrix(matrix) and self._is_vector(vector):
                    variant, _ = self.program.parameters[matrix]
                    found.setdefault(variant, {})[term] = matrix, vector
        for terms in found.values():
            pairs = sorted(terms.values(), key=lambda pair: (self._rank(pair[0]), str(pair[1])))
            matrices, vectors = zip(*pairs, strict=True)
            if len(pairs) < 2 or len(set(vectors)) < len(vectors):
                continue
            text = f"{self.read_whole(vectors)} @ {self._stack(matrices)}"
            first, *others = terms
            self._put_instead(e, first, text)
            self.instead[e] |= dict.fromkeys(others, sp.S.Zero)

    # totals

    def _totals(self, equations: Sequence[Equation]) -> dict[Equation, list[list[Equation]]]:
        """By the last of them, gradients that have outer products with the same vectors, or are
        sums over vectors that lie side by side."""
        found: dict[object, list[Equation]] = {}
        for e in equations:
            if e.lhs in self.loop.totals and (key := self._total_key(e)):
                found.setdefault(key, []).append(e)
        by_last: dict[Equation, list[list[Equation]]] = {}
        for some in found.values():
            lefts = [v for e in some for v in self._lefts(e)]
            if len(some) > 1 and len(set(lefts)) == len(lefts):
                members = sorted(some, key=lambda e: self._rank(e.lhs))
                by_last.setdefault(some[-1], []).append(members)
        return by_last

    def _total_key(self, e: Equation) -> object:
        """What gradients have in common that may be one; None where it is neither."""
        if self._is_vector(e.rhs) and e.rhs.axes == e.lhs.axes:
            return next((g for g in self.phase.wholes if e.rhs in g), None)
        terms = sp.Add.make_args(e.rhs)
        if not all(isinstance(t, Outer) and all(map(self._is_vector, t.args)) for t in terms):
            return None
        rights = tuple(sorted((t.args[1] for t in terms), key=str))
        return rights if len(set(rights)) == len(rights) else None

    def _lefts(self, e: Equation) -> list[Quantity]:
        return [e.rhs] if self._is_vector(e.rhs) else [t.args[0] for t in sp.Add.make_args(e.rhs)]

    def _total_of(self, members: list[Equation]) -> None:
        """Gradients as parts of one."""
        if self._is_vector(members[0].rhs):
            text = self.printer.vector_total(self.read_whole(tuple(e.rhs for e in members)))
        else:
            by_right: dict[Quantity, list[Quantity]] = {}
            for e in members:
                for term in sp.Add.make_args(e.rhs):
                    by_right.setdefault(term.args[1], []).append(term.args[0])
            text = " + ".join(
                self.printer.outer_total(self.read_whole(tuple(lefts)), self.read(right))
                for right, lefts in by_right.items()
            )
            text = f"({text})" if len(by_right) > 1 else text
        names = [self.names.one(e.lhs) for e in members]
        group = tuple(e.lhs for e in members)
        self.phase.lines.append(self._parts(names, text, group, 0))

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
            if q in late
        ]
        for group, whole in self.last.taken.items():
            if group in self.steps.made:
                found.append((whole.one, whole.all, f"{self.WITHIN}, {self._width(group)}"))
        return found


def _at(group: Group, other: Group) -> int | None:
    """Where in another a group lies, its members together and in the same order."""
    places = range(len(other) - len(group) + 1)
    return next((n for n in places if other[n : n + len(group)] == group), None)
