"""Which equations of a phase may be one: those that share the operand of a product, and those of
one form over vectors that lie side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.nodes import MatVec, Outer, Quantity, Transposed, axes_of
from derive.program.alike import Form, Rows, groups_in
from derive.program.loop import Loop
from derive.program.normed import calls, vectors_of
from derive.program.program import Program
from derive.program.statements import Group

Members = tuple[Equation, ...]


@dataclass(frozen=True)
class Products:
    """Equations that have products with the same operands; `factors` are, for each operand, the
    members' matrices."""

    members: Members
    factors: dict[Quantity, Group]


@dataclass(frozen=True)
class Alike:
    """Equations of one form: `beside` are the groups that the first one's quantities stand for."""

    members: Members
    beside: tuple[Group, ...]


@dataclass(frozen=True)
class Outers:
    """Gradients that are outer products with the same vectors; `factors` are, for each of these,
    the members' other sides."""

    members: Members
    factors: dict[Quantity, Group]


class Together:
    """What may be one in a loop. `fixed` is what is the same at every step."""

    def __init__(self, program: Program, loop: Loop, fixed: frozenset[Quantity]):
        self.program, self.loop, self.fixed = program, loop, fixed
        self.ranks = {p: n for n, p in enumerate(program.layout.parameters)}
        called = map(vectors_of, calls(loop.equations).values())
        groups = [*program.routines.setting.groups, *(some for some in called if len(some) > 1)]
        self.rows = Rows.among([*groups, *groups_in(loop, groups)])

    # what is what

    def rank(self, p: Quantity) -> int:
        """A parameter's place in memory's order, whatever its variant."""
        return self.ranks[self.program.parameters[p][1]]

    def is_matrix(self, p: sp.Basic) -> bool:
        """Whether it is a parameter with rows and columns, and no heads."""
        return p in self.program.parameters and p in self.fixed and len(p.axes) == 2

    def is_vector(self, q: sp.Basic) -> bool:
        """Whether it is a vector of each step."""
        return isinstance(q, Quantity) and q not in self.fixed and len(q.axes) == 1

    # products

    def products(self, equations: Sequence[Equation], least: int) -> list[Products]:
        """Products with the same operands, of at least so many equations."""
        found: dict[Quantity, dict[Equation, Quantity]] = {}
        for e in equations:
            if len(e.lhs.axes) == 1 and e.lhs not in self.loop.totals:
                for matrix, operand in self.factors(e):
                    found.setdefault(operand, {}).setdefault(e, matrix)
        sets: dict[frozenset[Equation], list[Quantity]] = {}
        for operand, own in found.items():
            if len(own) >= least:
                sets.setdefault(frozenset(own), []).append(operand)
        return [self._products(some, {v: found[v] for v in sets[some]}) for some in sets]

    def _products(
        self, some: Iterable[Equation], found: dict[Quantity, dict[Equation, Quantity]]
    ) -> Products:
        first = next(iter(found.values()))
        ranks = {e: (self.rank(first[e]), str(e.lhs)) for e in some}
        members = tuple(sorted(some, key=ranks.__getitem__))
        return Products(members, {v: tuple(own[e] for e in members) for v, own in found.items()})

    def factors(self, e: Equation) -> Iterable[tuple[Quantity, Quantity]]:
        """The matrix and the operand of an equation's products."""
        for term in sp.Add.make_args(e.rhs):
            if isinstance(term, MatVec):
                matrix, operand = term.args
                if self.is_matrix(matrix) and self.is_vector(operand):
                    yield matrix, operand

    def pulled(self, e: Equation) -> Iterable[dict[sp.Expr, tuple[Quantity, Quantity]]]:
        """The terms of an equation that are products with transposed matrices of one variant, each
        with its matrix and its vector, in memory's order."""
        found: dict[object, dict[sp.Expr, tuple[Quantity, Quantity]]] = {}
        for term in sp.Add.make_args(e.rhs) if e.lhs not in self.loop.totals else ():
            if isinstance(term, MatVec) and isinstance(term.args[0], Transposed):
                (matrix,), vector = term.args[0].args, term.args[1]
                if self.is_matrix(matrix) and self.is_vector(vector):
                    variant, _ = self.program.parameters[matrix]
                    found.setdefault(variant, {})[term] = matrix, vector
        for terms in found.values():
            pairs = sorted(terms.items(), key=lambda item: (self.rank(item[1][0]), str(item[1][1])))
            if len({vector for _, vector in terms.values()}) == len(terms) > 1:
                yield dict(pairs)

    # equations of one form

    def alike(self, equations: Sequence[Equation]) -> list[Alike]:
        """Elementwise equations of one form, and gradients that are sums of one form."""
        found: dict[tuple[Group, Form], dict[int, Equation]] = {}
        for e in equations:
            if e.lhs not in self.rows.of or axes_of(e.rhs) != e.lhs.axes or len(e.lhs.axes) != 1:
                continue
            group, k = self.rows.of[e.lhs]
            if (formed := self.rows.form(e.rhs)) and formed[1] == k:
                found.setdefault((group, formed[0]), {})[k] = e
        whole = [
            tuple(places[k] for k in sorted(places))
            for (group, form), places in found.items()
            if len(places) == len(group) == form.count
        ]
        return [Alike(some, self.rows.together(some[0].rhs)) for some in whole]

    def activations(self, equations: Sequence[Equation]) -> list[Alike]:
        """The same function of several arguments, which may lie side by side or not."""
        found: dict[type, list[Equation]] = {}
        for e in equations:
            arguments = tuple(e.rhs.args) if isinstance(e.rhs, Elementwise) else ()
            if len(arguments) == 1 and self.is_vector(arguments[0]):
                found.setdefault(e.rhs.func, []).append(e)
        return [
            Alike(tuple(some), (tuple(e.rhs.args[0] for e in some),)) for some in found.values()
        ]

    def outers(self, equations: Sequence[Equation]) -> list[Outers]:
        """Gradients that are sums of outer products with the same vectors."""
        found: dict[Group, list[Equation]] = {}
        for e in equations:
            terms = sp.Add.make_args(e.rhs)
            if e.lhs in self.loop.totals and all(map(self._is_outer, terms)):
                rights = tuple(sorted((t.args[1] for t in terms), key=str))
                if len(set(rights)) == len(rights):
                    found.setdefault(rights, []).append(e)
        return [self._outers(some, rights) for rights, some in found.items() if len(some) > 1]

    def _is_outer(self, term: sp.Expr) -> bool:
        return isinstance(term, Outer) and all(map(self.is_vector, term.args))

    def _outers(self, some: Iterable[Equation], rights: Group) -> Outers:
        members = tuple(sorted(some, key=lambda e: self.rank(e.lhs)))
        left = {(e, t.args[1]): t.args[0] for e in members for t in sp.Add.make_args(e.rhs)}
        return Outers(members, {v: tuple(left[e, v] for e in members) for v in rights})
