"""From a scheduled loop to its statements: products stacked, every equation in its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.largest import Largest
from derive.nodes import (
    FeatureSum,
    MatVec,
    Outer,
    Quantity,
    Transposed,
    heads,
    own,
    symbols_of,
    with_heads,
)
from derive.program.alike import Rows, are_independent
from derive.program.layout import JOINED, Layout
from derive.program.loop import Loop
from derive.program.normed import Normed, StandardisedSlope, calls
from derive.program.policy import Policy
from derive.program.rules.reduce import is_reduction
from derive.program.statements import (
    Activate,
    Bias,
    Compute,
    Contraction,
    Group,
    HeadTotal,
    OuterTotal,
    Peak,
    Pointwise,
    Product,
    PullBack,
    Reduce,
    Standardise,
    StandardiseSlope,
    Statement,
    Total,
)
from derive.program.storage import Storage
from derive.program.sums import sums_whole
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
class _Biases(_Kind):
    def statement(self, outs, parameters):
        return Bias(outs, (parameters,))


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
    rows: Rows,
) -> list[Statement]:
    """The statements of a phase's equations, each of which may serve several of them, not yet in
    order."""
    return _Splitter(loop, layout, parameters, storage, policy, rows).run(equations)


class _Splitter:
    def __init__(self, loop, layout, parameters, storage, policy, rows):
        self.loop, self.storage, self.policy, self.rows = loop, storage, policy, rows
        self.known = loop.known | {c.entering for c in loop.carries}
        self.parameters: Parameters = parameters
        self.stack_rows = {p: w.parameters for w in layout.weights for p in w.parameters}
        self.slot = storage.slots
        self.level = {
            q: level for s in storage.stacks for q, level in zip(s.members, s.levels, strict=True)
        }
        self.statements: list[Statement] = []
        self.terms: dict[_Kind, list[_Term]] = {}
        self.activations: dict[tuple[int, int], list[Equation]] = {}

    def run(self, equations: tuple[Equation, ...]) -> list[Statement]:
        self.equations = equations
        for equation in equations:
            if not isinstance(equation.rhs, Normed):
                self.split(equation)
        for same in self.activations.values():
            self.statements += self.side_by_side_activations(same)
        self.statements += map(normed, calls(equations).values())
        for kind, terms in self.terms.items():
            self.statements += self.merged(kind, terms)
        together = biases_together(self.joined(self.statements))
        return sums_whole(together, self.loop, self.storage) if self.policy.sums else together

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
        elif vectors := reduced(rhs):
            self.statements += self.reduce(q, vectors)
        elif is_reduction(equation):
            self.statements.append(Reduce((q,), rhs.args[:1], rhs.summed))
        elif isinstance(rhs, Largest):
            self.statements.append(Peak((q,), rhs.args))
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
            self.policy.join
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
        if with_heads(term):
            (term,) = term.args[:1]
        if isinstance(term, MatVec):
            matrix, vector = term.args
            is_parameter = bool(symbols_of(matrix) & self.parameters.of.keys())
            is_turned = isinstance(matrix, Transposed)
            if not is_parameter or (heads(q.axes) and (is_turned or heads(vector.axes))):
                self.statements.append(Contraction((q,), term))
            elif isinstance(matrix, Transposed):
                (matrix,) = matrix.args
                variant, parameter, rows = self.parameter(matrix)
                kind = _PullBacks(variant, rows, q, self.stack_of(vector))
                self.put(kind, _Term(parameter, matrix, vector))
            else:
                variant, parameter, rows = self.parameter(matrix)
                self.put(_Products(variant, rows, vector), _Term(parameter, matrix, q))
            return True
        if term in self.parameters and self.slot_of(q) and not self.policy.fuse:
            variant, parameter, rows = self.parameter(term)
            if parameter in self.stack_rows:
                self.put(_Biases(variant, rows), _Term(parameter, term, q))
                return True
        return False

    def parameter(self, q: Quantity) -> tuple[Variant, Quantity, Group]:
        """A parameter's variant, the parameter itself, and those that it is stacked with."""
        variant, parameter = self.parameters[q]
        return variant, parameter, self.stack_rows.get(parameter, (parameter,))

    def put(self, kind: _Kind, term: _Term) -> None:
        self.terms.setdefault(kind, []).append(term)

    def total(self, equation: Equation) -> None:
        variant, parameter, rows = self.parameter(equation.lhs)
        rest = []
        for term in sp.Add.make_args(equation.rhs):
            if isinstance(term, Outer) and set(heads(term.args[1].axes)) & set(term.among()):
                self.statements.append(HeadTotal((equation.lhs,), *term.args))
            elif isinstance(term, Outer) and not heads(term.args[1].axes):
                left, right = term.args
                kind = _Outers(variant, rows, right, self.stack_of(left))
                self.put(kind, _Term(parameter, equation.lhs, left))
            else:
                rest.append(term)
        if rest and equation.rhs != 0:
            self.statements.append(Total((equation.lhs,), sp.Add(*rest)))

    def reduce(self, q: Quantity, vectors: Group) -> list[Statement]:
        """The sum over all the vectors, at once where they lie side by side."""
        if all(map(self.slot_of, vectors)):
            vectors = tuple(sorted(vectors, key=lambda v: self.slot[self.storage.place(v)]))
        if len(vectors) == 1 or self.side_by_side(list(vectors)):
            return [Reduce((q,), vectors, own(vectors[0].axes))]
        return [Reduce((q,), (vector,), own(vector.axes)) for vector in vectors]

    # equations together

    def joined(self, statements: list[Statement]) -> list[Statement]:
        """Elementwise statements of one form as one, where all of a group are there."""
        kinds = (Compute, Total) if self.policy.join else (Total,)
        found: dict[object, dict[int, Compute | Total]] = {}
        for s in statements:
            if isinstance(s, kinds) and (key := self.form(s)):
                (form, k) = key
                found.setdefault(form, {})[k] = s
        joined: dict[int, Statement | None] = {}
        for places in found.values():
            some = [places[k] for k in sorted(places)]
            if len(some) == len(self.rows.of[some[0].outs[0]][0]) and (one := self.as_one(some)):
                joined |= {id(some[0]): one} | {id(s): None for s in some[1:]}
        together = (joined.get(id(s), s) for s in statements)
        return [s for s in together if s is not None]

    def form(self, s: Pointwise) -> tuple[object, int] | None:
        """The form of a statement, with the group of what it defines, and its place in it."""
        (q,) = s.outs
        if q not in self.rows.of or (formed := self.rows.form(s.expr)) is None:
            return None
        group, k = self.rows.of[q]
        form, place = formed
        alike = place == k and form.count == len(group)
        return ((type(s), group, form), k) if alike else None

    def as_one(self, some: list[Compute | Total]) -> Statement | None:
        """Statements of one form as one; None where what they write or read is not side by side, or
        one of them waits for another."""
        outs = tuple(s.outs[0] for s in some)
        beside = self.rows.together(some[0].expr)
        groups = [g for g in (outs, *beside) if not set(g) <= self.known]
        if not all(self.side_by_side(list(g)) for g in groups if g[0] not in self.parameters):
            return None
        if not are_independent(outs, self.equations):
            return None
        return type(some[0])(outs, some[0].expr, beside)

    def side_by_side_activations(self, equations: list[Equation]) -> list[Statement]:
        """One statement for each run of neighbours; within it, those of one function are
        neighbours, too, as `layout` puts them where it may."""
        runs: list[list[Equation]] = []
        for e in sorted(equations, key=lambda e: self.slot[e.rhs.args[0]]):
            if runs and self.goes_on(runs[-1], e):
                runs[-1].append(e)
            else:
                runs.append([e])
        return [
            Activate(
                tuple(e.lhs for e in run),
                tuple(e.rhs.args[0] for e in run),
                tuple(e.rhs.func.__name__ for e in run),
            )
            for run in runs
        ]

    def goes_on(self, run: list[Equation], e: Equation) -> bool:
        """Whether an activation lies behind those of a run, and its function is that of the last
        one or new to the run."""
        last, function = run[-1], e.rhs.func
        (stack, place), own = self.slot[last.rhs.args[0]], self.slot[e.rhs.args[0]]
        is_new = all(function != earlier.rhs.func for earlier in run)
        return own == (stack, place + 1) and (function == last.rhs.func or is_new)

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


def normed(together: list[Equation]) -> Statement:
    """One statement for what is standardised together, or for what its derivative is applied to."""
    outs, node = tuple(e.lhs for e in together), together[0].rhs
    if isinstance(node, StandardisedSlope):
        return StandardiseSlope(outs, node.moved, node.standardised, node.args[1])
    return Standardise(outs, node.vectors, node.args[1])


def reduced(expr: sp.Expr) -> Group:
    """The vectors over whose features an expression is the sum, if it is nothing else."""
    terms = sp.Add.make_args(expr)
    if not all(isinstance(term, FeatureSum) and len(term.args) == 1 for term in terms):
        return ()
    return tuple(sorted((term.args[0] for term in terms), key=str))


def biases_together(statements: list[Statement]) -> list[Statement]:
    """The statements, with all that is constant and added to the same place in one."""
    first: dict[Group, tuple[int, Bias]] = {}
    result: list[Statement] = []
    for s in statements:
        if isinstance(s, Bias) and s.outs in first:
            at, before = first[s.outs]
            first[s.outs] = at, replace(before, vectors=(*before.vectors, *s.vectors))
            result[at] = first[s.outs][1]
        else:
            if isinstance(s, Bias):
                first[s.outs] = len(result), s
            result.append(s)
    return result
