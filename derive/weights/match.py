"""Finding the parameters for which two cells are the same, from their equations alone.

`match(source, target)` says what each parameter of `target` has to be, in terms of those of
`source`, for `target` to compute what `source` does. Both are written as sums of what acts on what
(`derive.weights.forms`). Then, from the new states inwards, every atom of `target`, a gate say, is
taken for one of `source` with the same function, or for its reflection: σ(-x) = 1 - σ(x). Where two
sums are to be the same, what acts on the same must be: linear equations between the parameters.
Gates may be named and ordered in any way, two of them may be one, and biases may be split.

What is found is not believed, but proved (`derive.weights.same`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, product

import sympy as sp

from derive.cell import Cell
from derive.nodes import Quantity
from derive.weights.align import Alignment, alignments, different
from derive.weights.forms import Atom, Form, Forms, Place
from derive.weights.linear import solved
from derive.weights.reasons import Condition, Pair, contradiction, distinct
from derive.weights.reflection import reflection
from derive.weights.values import Diagonal


@dataclass(frozen=True)
class Match:
    """The parameters for which `target` is the same as `source`.

    parameters  by the names of the target's, what each is in terms of the source's: sums of them,
                with numbers in front, transposed or along a diagonal
    conditions  what of the source has to be zero; none if the two are the same whatever it is
    aligned     what of the source stands for the target's inputs, states and axes
    """

    source: Cell
    target: Cell
    parameters: Mapping[str, sp.Expr]
    conditions: tuple[Condition, ...]
    aligned: Alignment


@dataclass(frozen=True)
class Different:
    """Why no parameters make `target` the same as `source`: a sentence in which these are called
    {source} and {target}. `depth` is how many of their equations agree."""

    source: Cell
    target: Cell
    reason: str
    depth: int = 0


def match(source: Cell, target: Cell) -> Match | Different:
    """The parameters for which `target` is the same as `source`, or why there are none."""
    return between(Forms(source), Forms(target))


def between(ours: Forms, theirs: Forms) -> Match | Different:
    """The same of two cells that are written out already, the source's first."""
    reason = different(ours.cell, theirs.cell)
    if reason:
        return Different(ours.cell, theirs.cell, reason, -1)
    searches = [_Search(ours, theirs, aligned) for aligned in alignments(ours.cell, theirs.cell)]
    for search in searches:
        search.run()
    found = [search.best for search in searches if search.best is not None]
    if found:
        return min(found, key=lambda match: len(match.conditions))
    return max((s.closest for s in searches), key=lambda different: different.depth)


@dataclass(frozen=True)
class _Goal:
    """Two forms that have to be the same, but for the sign, and the quantities that they are of."""

    ours: Form
    theirs: Form
    places: tuple[Quantity, Quantity]
    sign: int = 1


@dataclass(frozen=True)
class _Found:
    """What has been found on the way: what stands for the target's quantities, the equations
    between parameters, and what would have to be zero."""

    values: dict[Quantity, sp.Expr]
    equations: tuple[sp.Expr, ...] = ()
    conditions: tuple[Condition, ...] = ()
    depth: int = 0


@dataclass
class _Search:
    """The search in which the inputs, states and axes of the two are aligned."""

    ours: Forms
    theirs: Forms
    aligned: Alignment
    best: Match | None = None
    closest: Different = field(init=False)

    def run(self) -> None:
        """Search until there is a match without conditions, or all has been tried."""
        source, target = self.ours.cell, self.theirs.cell
        self.closest = Different(source, target, "", -1)
        outputs = source.output, target.output
        goals = [_Goal(self.ours.output, self.theirs.output, outputs)]
        for state, form in self.theirs.updates.items():
            mine = self.aligned.quantities[state]
            new = source.updates[mine], target.updates[state]
            goals.append(_Goal(self.ours.updates[mine], form, new))
        self._go(goals, _Found(self.aligned.quantities | self.aligned.parameters))

    def _go(self, goals: list[_Goal], found: _Found) -> bool:
        """Reach all goals, in every way; true once nothing better can be found."""
        if not goals:
            return self._arrive(found)
        goal, *others = goals
        agrees = False
        for values, new in self._assignments(goal, found):
            tried = self._compared(goal, replace(found, values=found.values | values))
            if tried is None:
                continue
            agrees = True
            if self._is_better(tried.conditions) and self._go([*others, *new], tried):
                return True
        if not agrees:
            self._differ(Pair(self.ours, self.theirs, goal.places).equations, found.depth)
        return False

    def _differ(self, reason: str, depth: int) -> None:
        """Remember where the two differ, if they have agreed so far nowhere else."""
        if depth > self.closest.depth:
            self.closest = replace(self.closest, reason=reason, depth=depth)

    def _is_better(self, conditions: tuple[Condition, ...]) -> bool:
        return self.best is None or len(distinct(conditions)) < len(self.best.conditions)

    def _arrive(self, found: _Found) -> bool:
        """Solve for the parameters; true if nothing is left that has to be zero."""
        unknown = self.aligned.parameters
        solution = solved(found.equations, tuple(unknown.values()))
        if solution is None:
            self._differ("parameters of {target} would be quotients of {source}'s", found.depth)
            return False
        values, rest = solution
        free = {p: sp.S.Zero for p in unknown.values() if p not in values}
        conditions = distinct((*found.conditions, *map(contradiction, rest)))
        if self._is_better(conditions):
            parameters = {p.name: values.get(own, own).xreplace(free) for p, own in unknown.items()}
            cells = self.ours.cell, self.theirs.cell
            self.best = Match(*cells, parameters, conditions, self.aligned)
        return self.best is not None and not self.best.conditions

    def _assignments(
        self, goal: _Goal, found: _Found
    ) -> Iterator[tuple[dict[Quantity, sp.Expr], list[_Goal]]]:
        """All that the target's atoms in a goal may stand for, with the goals that follow. Every
        atom of the source that no parameter can make disappear is what one of them stands for."""
        atoms = self.theirs.atoms_in(goal.theirs)
        new = [atom for atom in atoms if atom.quantity not in found.values]
        known = [found.values[a.quantity] for a in atoms if a.quantity in found.values]
        here = self.ours.atoms_in(goal.ours)
        fixed = self.ours.atoms_in({p: n for p, n in goal.ours.items() if not n.free_symbols})
        needed = {atom.quantity for atom in fixed}.difference(*(k.free_symbols for k in known))
        if len(needed) > len(new):
            return
        choices = [[option for one in here for option in _options(one, atom)] for atom in new]
        for chosen in product(*choices):
            if needed <= {q for value, _ in chosen for q in value.free_symbols}:
                pairs = zip(new, chosen, strict=True)
                values = {atom.quantity: value for atom, (value, _) in pairs}
                yield values, list(chain.from_iterable(goals for _, goals in chosen))

    def _compared(self, goal: _Goal, found: _Found) -> _Found | None:
        """What follows where the two forms of a goal are the same; None where they cannot be."""
        unknown = frozenset(self.aligned.parameters.values())
        theirs = _seen(goal.theirs, found.values)
        rest = {
            place: goal.sign * theirs.get(place, sp.S.Zero) - goal.ours.get(place, sp.S.Zero)
            for place in {**theirs, **goal.ours}
        }
        equations = {p: what for p, what in rest.items() if what.free_symbols & unknown}
        if any(place.whole.free_symbols & unknown for place in rest):
            return None  # products of theirs, which are no parameter's value
        conditions = []
        for place, what in rest.items():
            if place in equations or what == 0:
                continue
            home = _home(place, equations, unknown)
            if home is not None:
                equations[home] += Diagonal(what)
            elif what.free_symbols:
                pair = Pair(self.ours, self.theirs, goal.places)
                conditions.append(pair.lacking(place, what, equations))
            else:
                return None
        return replace(
            found,
            equations=(*found.equations, *equations.values()),
            conditions=(*found.conditions, *conditions),
            depth=found.depth + 1,
        )


def _options(ours: Atom, theirs: Atom) -> Iterator[tuple[sp.Expr, list[_Goal]]]:
    """What an atom of the target is if it stands for that of the source, and the goals that follow:
    it is the same, or its reflection."""
    if ours.function != theirs.function:
        return
    places, pairs = (ours.quantity, theirs.quantity), (ours.inside, theirs.inside)
    yield ours.quantity, [_Goal(*pair, places) for pair in zip(*pairs, strict=True)]
    turned = reflection(ours.function)
    if turned is not None:
        k, m = turned
        yield k + m * ours.quantity, [_Goal(ours.inside[0], theirs.inside[0], places, -1)]


def _seen(form: Form, values: dict[Quantity, sp.Expr]) -> dict[Place, sp.Expr]:
    """A form with values for its quantities, as a form."""
    seen: dict[Place, sp.Expr] = {}
    for (outside, inside), what in form.items():
        within = [(sp.S.One, None)] if inside is None else _terms(inside, values)
        for (one, outer), (other, inner) in product(_terms(outside, values), within):
            place = Place(outer, inner)
            seen[place] = seen.get(place, sp.S.Zero) + one * other * what.xreplace(values)
    return seen


def _terms(expr: sp.Expr, values: dict[Quantity, sp.Expr]) -> list[tuple[sp.Expr, sp.Expr]]:
    """The terms of an expression with values for its quantities: numbers, and what they stand
    before."""
    whole = sp.expand(expr.xreplace(values))
    return [term.as_coeff_Mul() for term in sp.Add.make_args(whole)]


def _home(
    place: Place, equations: dict[Place, sp.Expr], unknown: frozenset[Quantity]
) -> Place | None:
    """Where a square matrix of the target acts on what stands here without one: there, this is a
    diagonal."""
    for other, what in equations.items():
        if place.inside is None and other.inside is not None and other.whole == place.whole:
            matrices = [q for q in what.free_symbols & unknown if len(set(q.axes)) == 1]
            if matrices:
                return other
    return None
