"""From a scheduled loop to its statements: products stacked, every equation in its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.nodes import FeatureSum, MatVec, Outer, Quantity, Transposed
from derive.program.layout import JOINED, Layout
from derive.program.loop import Loop
from derive.program.policy import Policy
from derive.program.statements import (
    Activate,
    Bias,
    Compute,
    Group,
    OuterTotal,
    Product,
    PullBack,
    Reduce,
    Statement,
    Total,
)
from derive.program.storage import Storage
from derive.program.variants import Variant


@dataclass(frozen=True)
class Parameters:
    """Which parameter a quantity of a loop is, and in which variant: itself, its gradient, a
    direction."""

    of: Mapping[Quantity, tuple[Variant, Quantity]]

    def __contains__(self, q: object) -> bool:
        return q in self.of

    def __getitem__(self, q: Quantity) -> tuple[Variant, Quantity]:
        return self.of[q]


# --- what may be merged --------------------------------------------------------------------------
#
# Terms of one kind, whose parameters lie in one stack, become one statement. Each class below is
# such a kind: terms are merged where the kinds are equal.


@dataclass(frozen=True)
class _Kind:
    """Terms that may be merged. `rows` are the parameters of the stack, in memory's order."""

    variant: Variant
    rows: Group

    def statement(self, outs: tuple, parameters: Group) -> Statement:
        """The statement for terms whose parameters, and what they give or take, are these."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Products(_Kind):
    operand: Quantity

    def statement(self, outs, parameters):
        return Product(outs, parameters, self.operand)


@dataclass(frozen=True)
class _PullBacks(_Kind):
    out: Quantity
    stack: object  # the operands' stack, or the operand that is in none

    def statement(self, outs, parameters):
        return PullBack((self.out,), parameters, outs)


@dataclass(frozen=True)
class _Outers(_Kind):
    right: Quantity
    stack: object

    def statement(self, outs, parameters):
        return OuterTotal(parameters, outs, self.right)


@dataclass(frozen=True)
class _Totals(_Kind):
    def statement(self, outs, parameters):
        return Total(parameters, outs)


@dataclass(frozen=True)
class _Biases(_Kind):
    def statement(self, outs, parameters):
        return Bias(outs, parameters)


@dataclass(frozen=True)
class _Term:
    """A term's share: the parameter whose rows it uses, that parameter as this loop has it, and
    what it gives to or takes from."""

    parameter: Quantity
    own: Quantity
    other: sp.Expr


# --- equations to statements ---------------------------------------------------------------------


def split(
    equations: tuple[Equation, ...],
    loop: Loop,
    layout: Layout,
    parameters: Parameters,
    storage: Storage,
    policy: Policy,
) -> list[Statement]:
    """The statements of a phase's equations, each of which may serve several of them, not yet in
    order."""
    return _Splitter(loop, layout, parameters, storage, policy).run(equations)


class _Splitter:
    def __init__(self, loop, layout, parameters, storage, policy):
        self.loop, self.storage, self.policy = loop, storage, policy
        self.parameters: Parameters = parameters
        self.rows_of = {p: w.parameters for w in layout.weights for p in w.parameters}
        self.slot = storage.slots
        self.level = {
            q: level for s in storage.stacks for q, level in zip(s.members, s.levels, strict=True)
        }
        self.statements: list[Statement] = []
        self.terms: dict[_Kind, list[_Term]] = {}
        self.activations: dict[tuple[int, int], list[Equation]] = {}

    def run(self, equations: tuple[Equation, ...]) -> list[Statement]:
        for equation in equations:
            self.split(equation)
        for same in self.activations.values():
            self.statements += self.side_by_side_activations(same)
        for kind, terms in self.terms.items():
            self.statements += self.merged(kind, terms)
        return self.statements

    def slot_of(self, q: sp.Expr) -> tuple[int, int] | None:
        """Which stack the quantity lies in, and where in it."""
        return self.slot.get(self.storage.place(q)) if isinstance(q, Quantity) else None

    def stack_of(self, q: Quantity) -> object:
        return (self.slot_of(q) or (q,))[0]

    # one equation

    def split(self, equation: Equation) -> None:
        q, rhs = equation.lhs, equation.rhs
        if q in self.loop.totals:
            self.total(equation)
        elif isinstance(rhs, FeatureSum):
            self.statements.append(Reduce((q,), rhs.args[0]))
        elif self.is_stacked_activation(equation):
            argument = rhs.args[0]
            key = self.slot[argument][0], self.level[argument]
            self.activations.setdefault(key, []).append(equation)
        else:
            rest = [
                t
                for t in sp.Add.make_args(rhs)
                if not self.is_there_already(t, q) and not self.send(t, q)
            ]
            if rest or rhs == 0:
                self.statements.append(Compute((q,), sp.Add(*rest)))

    def is_stacked_activation(self, equation: Equation) -> bool:
        rhs = equation.rhs
        return (
            self.policy.join_activations
            and isinstance(rhs, Elementwise)
            and rhs.func.__name__ in JOINED
            and rhs.args[0] in self.slot
            and self.storage.place(equation.lhs) == rhs.args[0]
        )

    def is_there_already(self, term: sp.Expr, q: Quantity) -> bool:
        return isinstance(term, Quantity) and self.storage.place(term) == self.storage.place(q)

    def send(self, term: sp.Expr, q: Quantity) -> bool:
        """Put a term with its kind, to be merged with others; False where it is plain and
        elementwise."""
        if isinstance(term, MatVec):
            matrix, vector = term.args
            if isinstance(matrix, Transposed):
                (matrix,) = matrix.args
                variant, parameter, rows = self.parameter(matrix)
                kind = _PullBacks(variant, rows, q, self.stack_of(vector))
                self.put(kind, _Term(parameter, matrix, vector))
            else:
                variant, parameter, rows = self.parameter(matrix)
                self.put(_Products(variant, rows, vector), _Term(parameter, matrix, q))
            return True
        if term in self.parameters and self.slot_of(q):
            variant, parameter, rows = self.parameter(term)
            if parameter in self.rows_of:
                self.put(_Biases(variant, rows), _Term(parameter, term, q))
                return True
        return False

    def parameter(self, q: Quantity) -> tuple[Variant, Quantity, Group]:
        """A parameter's variant, the parameter itself, and those that it is stacked with."""
        variant, parameter = self.parameters[q]
        return variant, parameter, self.rows_of.get(parameter, (parameter,))

    def put(self, kind: _Kind, term: _Term) -> None:
        self.terms.setdefault(kind, []).append(term)

    def total(self, equation: Equation) -> None:
        variant, parameter, rows = self.parameter(equation.lhs)
        rest = []
        for term in sp.Add.make_args(equation.rhs):
            if isinstance(term, Outer):
                left, right = term.args
                kind = _Outers(variant, rows, right, self.stack_of(left))
                self.put(kind, _Term(parameter, equation.lhs, left))
            else:
                rest.append(term)
        if rest and equation.rhs != 0:
            expr = sp.Add(*rest)
            rows = rows if self.slot_of(expr) else (parameter,)
            self.put(_Totals(variant, rows), _Term(parameter, equation.lhs, expr))

    # equations together

    def side_by_side_activations(self, equations: list[Equation]) -> list[Statement]:
        """One statement for each run of neighbours."""
        equations = sorted(equations, key=lambda e: self.slot[e.rhs.args[0]])
        runs = groupby(
            enumerate(equations), key=lambda pair: self.slot[pair[1].rhs.args[0]][1] - pair[0]
        )
        statements: list[Statement] = []
        for run in ([e for _, e in numbered] for _, numbered in runs):
            outs = tuple(e.lhs for e in run)
            arguments = tuple(e.rhs.args[0] for e in run)
            functions = tuple(e.rhs.func.__name__ for e in run)
            statements.append(Activate(outs, arguments, functions))
        return statements

    def merged(self, kind: _Kind, terms: list[_Term]) -> list[Statement]:
        """One statement for all the terms where they are the whole stack, else one for each."""
        terms = sorted(terms, key=lambda term: kind.rows.index(term.parameter))
        is_whole = tuple(t.parameter for t in terms) == kind.rows and (
            len(terms) == 1 or self.side_by_side([t.other for t in terms])
        )
        together = [terms] if is_whole else [[term] for term in terms]
        return [
            kind.statement(tuple(t.other for t in some), tuple(t.own for t in some))
            for some in together
        ]

    def side_by_side(self, quantities: list) -> bool:
        slots = [slot for q in quantities if (slot := self.slot_of(q))]
        together = all((n, k + 1) == following for (n, k), following in pairwise(slots))
        return len(slots) == len(quantities) and together
