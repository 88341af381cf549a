"""A cell's equations as sums of what acts on what: the form in which two cells are compared.

In normal form (`derive.normal`) every activation has a name. All else is written out in these
names, as a sum whose terms each have a parameter, or a number, and what it acts on:

    W_n @ x + r * (U_n @ h + d_n)    W_n, a matrix, on x;  U_n on h, then times r;  d_n times r
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import sympy as sp

from derive.cell import Cell, Equation
from derive.elementwise import Elementwise
from derive.names import fresh
from derive.nodes import MatVec, Node, Quantity, axes_of, symbols_of
from derive.normal import normalise


class Place(NamedTuple):
    """What a parameter acts on: a product with a matrix is taken of `inside`, 1 elsewhere, and
    multiplied with `outside`."""

    outside: sp.Expr
    inside: sp.Expr | None = None

    @property
    def whole(self) -> sp.Expr:
        """All factors, wherever they are multiplied."""
        return sp.S(self.outside * (1 if self.inside is None else self.inside))


Form = Mapping[Place, sp.Expr]  # parameters and numbers, by what they act on


@dataclass(frozen=True)
class Atom:
    """A quantity that is not written out further: a function of forms.

    quantity  its name
    function  what is applied; two of the same function are the same if their arguments are
    inside    what it is applied to
    """

    quantity: Quantity
    function: Hashable
    inside: tuple[Form, ...]


class Forms:
    """The forms of a cell: of its new states and its output, and of what is inside its atoms."""

    def __init__(self, cell: Cell):
        self.cell = cell
        self._taken = {q.name for q in cell.quantities}
        self._parameters = frozenset(cell.parameters)
        exact = [replace(e, rhs=_exact(e.rhs)) for e in cell.equations]
        self.equations = {e.lhs: e for e in normalise(exact, self._taken)}
        self.atoms: dict[Quantity, Atom] = {}
        self._written: dict[Quantity, sp.Expr] = {}
        self._opaque: dict[sp.Expr, Quantity] = {}
        self._parts: dict[Quantity, Quantity] = {}  # with the equations that these are parts of
        self._current = cell.output

    @cached_property
    def updates(self) -> dict[Quantity, Form]:
        """The form of each state's new value."""
        return {state: self.form(new) for state, new in self.cell.updates.items()}

    @cached_property
    def output(self) -> Form:
        """The form of the output."""
        return self.form(self.cell.output)

    @property
    def functions(self) -> frozenset[str]:
        """The names of the elementwise functions in the equations."""
        found = {f for e in self.equations.values() for f in e.rhs.atoms(Elementwise)}
        return frozenset(type(f).__name__ for f in found)

    def form(self, expr: sp.Expr) -> Form:
        """An expression of the normal form as a sum of what acts on what."""
        found: dict[Place, sp.Expr] = {}
        for term in sp.Add.make_args(self._expanded(expr)):
            place, what = self._placed(term)
            found[place] = found.get(place, sp.S.Zero) + what
        return {place: what for place, what in found.items() if what != 0}

    def _placed(self, term: sp.Expr) -> tuple[Place, sp.Expr]:
        """A term as a parameter or number, and what it acts on."""
        outside, inside, what = sp.S.One, None, sp.S.One
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, MatVec) and inside is None:
                matrix, inside = factor.args
                what *= matrix
            elif symbols_of(factor) <= self._parameters and not factor.has(MatVec):
                what *= factor
            else:
                outside *= factor
        return Place(outside, inside), what

    def _expanded(self, expr: sp.Expr) -> sp.Expr:
        """A sum of products of atoms, inputs, states and parameters; of a matrix, with the product
        of what it is multiplied with."""
        if isinstance(expr, Quantity):
            return self._meaning(expr)
        if not expr.args:
            return expr
        if isinstance(expr, MatVec) and symbols_of(expr.args[0]) <= self._parameters:
            matrix, vector = expr.args
            return sp.Add(*_distributed(matrix, self._expanded(vector)))
        if isinstance(expr, Node | Elementwise) or _is_root(expr):
            return self._atom(expr)
        return sp.expand(expr.func(*map(self._expanded, expr.args)))

    def _meaning(self, quantity: Quantity) -> sp.Expr:
        """What stands for a quantity: an activation and what is given for itself, else what its
        equation says."""
        if quantity not in self.equations:
            return quantity
        if quantity not in self._written:
            outer, self._current, rhs = self._current, quantity, self.equations[quantity].rhs
            own = isinstance(rhs, Elementwise)
            self._written[quantity] = self._named(quantity, rhs) if own else self._expanded(rhs)
            self._current = outer
        return self._written[quantity]

    def _atom(self, expr: sp.Expr) -> Quantity:
        """A name for what is not written out and has none."""
        if expr not in self._opaque:
            quantity = Quantity(fresh("part", self._taken), axes_of(expr))
            self._parts[quantity] = self._current
            self._opaque[expr] = self._named(quantity, expr)
        return self._opaque[expr]

    def _named(self, quantity: Quantity, expr: sp.Expr) -> Quantity:
        is_power = isinstance(expr, sp.Pow)
        inside = expr.args[:1] if is_power else expr.args
        function = (sp.Pow, expr.exp) if is_power else expr.func
        is_known = is_power or isinstance(expr, Elementwise)
        self.atoms[quantity] = Atom(
            quantity,
            function if is_known else expr,
            tuple(map(self.form, inside)) if is_known else (),
        )
        return quantity

    def atoms_in(self, form: Form) -> list[Atom]:
        """The atoms that a form has, in the order of their equations."""
        symbols = {q for place in form for part in place if part for q in symbols_of(part)}
        found = [q for q in self.equations if q in symbols and q in self.atoms]
        found += [q for q in self.atoms if q in symbols and q not in self.equations]
        return [self.atoms[q] for q in found]

    def equation(self, quantity: Quantity) -> Equation:
        """The author's equation of a quantity, or else the first that it is a part of."""
        written = {e.lhs: e for e in self.cell.equations}
        if quantity in written:
            return written[quantity]
        if quantity in self._parts:
            return self.equation(self._parts[quantity])
        readers = (q for q, e in self.equations.items() if quantity in symbols_of(e.rhs))
        return self.equation(next(readers))


def _distributed(matrix: sp.Expr, vector: sp.Expr) -> Iterator[sp.Expr]:
    """The products of a matrix with the terms of a sum, numbers in front."""
    for term in sp.Add.make_args(vector):
        number, factors = term.as_coeff_Mul()
        yield number * MatVec(matrix, factors)


def _is_root(expr: sp.Expr) -> bool:
    """Whether it is a power of a sum that does not multiply out: a quotient or a root."""
    return isinstance(expr, sp.Pow) and not (expr.exp.is_Integer and expr.exp > 0)


def _exact(expr: sp.Expr) -> sp.Expr:
    """A formula with fractions for decimal numbers, so that what cancels is gone."""
    return expr.xreplace({number: sp.Rational(str(number)) for number in expr.atoms(sp.Float)})
