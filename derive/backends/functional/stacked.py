"""A routine in which what can be computed for all gates at once is one call.

Where calls cost, one call for all gates is worth more than one for each. Matrices that are
multiplied with the same vector are put one above the other, once a call, and the product is cut
into its parts; on the way back vectors are put side by side, and multiplied with the same stack.
Elementwise equations of one form are one, where what they read lies side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from derive.backends.functional.standardising import Standardising
from derive.backends.functional.together import Alike, Outers, Products, Together
from derive.backends.functional.wholes import Phase, Whole, place_in
from derive.cell import Equation
from derive.nodes import FeatureSum, MatVec, Quantity, symbols_of
from derive.program.assemble import reduced
from derive.program.normed import Normed, calls
from derive.program.statements import Group


class Stacked(Standardising):
    """A loop under its names, in as few lines as it can be."""

    def write(self) -> None:
        self.names, loop = self.names.child(), self.loop
        self.together = Together(self.program, loop, self.fixed)
        self.first = self.phase = Phase(self.names.all, self.known)
        self._fill(loop.before, self.ALL)
        there = self.first.wholes
        self.steps = self.phase = Phase(self.names.one, there.values(), is_step=True)
        self._fill(loop.during, self.WITHIN)
        there = self.first.wholes | self.steps.made
        self.last = self.phase = Phase(self.names.all, there.values())
        self._fill(loop.after, self.ALL)
        self.cut_what_is_read()
        self.use(axis for group in self.kept_groups for q in group for axis in q.axes)
        self.before, self.during, self.after = self.first.lines, self.steps.lines, self.last.lines

    def _fill(self, equations: Sequence[Equation], leading: str) -> None:
        """Write the lines of a phase."""
        self.phase.waiting = {e.lhs for e in equations}
        self.leading = leading
        self.instead: dict[Equation, dict[sp.Expr, sp.Expr]] = {e: {} for e in equations}
        least = 1 if self.phase.is_step else 2
        self.calls = calls(equations)
        formulas = [e for e in equations if not isinstance(e.rhs, Normed)]
        found: list[Products | Outers | Alike] = [
            *self.together.products(formulas, least),
            *self.together.outers(formulas),
            *self.together.alike(formulas),
            *self.together.activations(formulas),
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
            if isinstance(e.rhs, Normed):
                self._call(self.calls[e.rhs.call])
            else:
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
            rhs: sp.Expr = FeatureSum(self.stand_in(self.read_whole(there), vectors[0].axes))
        else:
            rhs = sp.Add(*(self.instead[e].get(t, t) for t in sp.Add.make_args(e.rhs)))
        line = self._line(replace(e, rhs=rhs), self.phase.place, self.leading)
        self.phase.lines.append(replace(line, is_own=line.is_own and rhs not in self.texts))
        self.phase.waiting.discard(e.lhs)

    # products

    def _products(self, some: Products) -> None:
        """The products that equations share; all of the equations, where nothing else in them
        stands in the way."""
        group = tuple(e.lhs for e in some.members)
        rests = [self._rest(e, n, some) for n, e in enumerate(some.members)]
        if len(group) == 1:
            self._single(some, rests[0])
        elif (summands := self._summands(rests)) is not None:
            self._make(self.phase, group, self._sum(some.factors, summands), has_parts=False)
        elif shared := self._shared(rests):
            names = [self.names.scratch((q, *some.factors), f"{q}_part") for q in group]
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

    def _rest(self, e: Equation, n: int, some: Products) -> list[sp.Expr]:
        """What else the equation of that number adds up, as far as it has been written."""
        own = {MatVec(matrices[n], v) for v, matrices in some.factors.items()}
        terms = (t for t in sp.Add.make_args(e.rhs) if t not in own)
        return [rest for t in terms if (rest := self.instead[e].get(t, t)) != 0]

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
            vectors = (t for t in rest if self.together.is_vector(t) and t not in self.texts)
            base, term = next(vectors, None), MatVec(matrices[0], v)
            if base is None:
                self._put_instead(e, term, self._product(v, matrices))
                continue
            rest.remove(base)
            turned = self._stack(matrices, turned=True)
            text = self.printer.sum_and_product(self.read(base), self.read(v), turned)
            self._put_instead(e, term, text)
            self.instead[e][base] = sp.S.Zero

    def _put_instead(self, e: Equation, term: sp.Expr, text: str) -> None:
        """Let a text stand for a term of an equation."""
        self.instead[e][term] = self.stand_in(text, e.lhs.axes)

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
        return groups if all(map(self._is_there, groups)) else None

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
        part = self.stand_in(self.printer.part(self.phase.called(whole), *ends), q.axes)
        self.instead[e][e.rhs] = e.rhs.xreplace({q: part})

    def _is_there(self, group: Group) -> bool:
        """Whether a group can be read as one."""
        is_fixed = all(q in self.fixed for q in group)
        is_ready = not self.phase.waiting & set(group)
        return is_ready and (is_fixed or self.phase.around(group) is not None)

    def _can_be_put_together(self, group: Group) -> bool:
        """Whether a step has made all of a group, so that it can put it together."""
        is_made = set(group) <= {e.lhs for e in self.loop.during} - self.phase.waiting
        return self.phase.is_step and is_made

    def _text(self, e: Equation, beside: Iterable[Group]) -> str:
        """The right-hand side of the first of some equations, for all of them."""
        with_groups = {
            g[0]: self.stand_in(self.read_group(g), g[0].axes)
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
