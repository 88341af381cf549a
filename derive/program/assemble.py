"""From a scheduled loop to its statements: products stacked, everything in its place, in an order
that works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.nodes import MatVec, Outer, Quantity, Transposed
from derive.program.layout import KINDS, Layout
from derive.program.loop import Loop
from derive.program.schedule import DeadlockError, in_order
from derive.program.statements import (
    Activate,
    AddStack,
    Compute,
    OuterTotal,
    Product,
    PullBack,
    Statement,
    Total,
)
from derive.program.storage import Storage, store


@dataclass(frozen=True)
class Names:
    """What this loop's quantities belong to.

    variants    how a stack's members may be called, by the pattern of the stack's name: "{}" for
    the stack itself,
                "d{}" for adjoints
    parameters  for each parameter, gradient or direction, (the object that holds it, its name
    there)
    """

    variants: Mapping[str, Mapping[Quantity, Quantity]]
    parameters: Mapping[Quantity, tuple[str, Quantity]]


@dataclass(frozen=True)
class Routine:
    """A loop ready to be written in some language.

    copies  carries whose new value has a place of its own: (leaving, entering), copied at a step's
    end
    """

    loop: Loop
    storage: Storage
    before: tuple[Statement, ...]
    during: tuple[Statement, ...]
    after: tuple[Statement, ...]
    copies: tuple[tuple[Quantity, Quantity], ...]


def assemble(loop: Loop, layout: Layout, names: Names) -> Routine:
    """Lay a loop out and put its statements in order."""
    apart: frozenset[Quantity] = frozenset()
    while True:
        storage = store(loop, layout, names.variants, frozenset(names.parameters), apart)
        try:
            return _assemble(loop, layout, names, storage)
        except DeadlockError as stuck:
            assert not apart.issuperset(stuck.args), f"{stuck} does lie apart"
            apart |= set(stuck.args)


def _assemble(loop: Loop, layout: Layout, names: Names, storage: Storage) -> Routine:
    known = set(loop.known) | {c.entering for c in loop.carries}
    written: set[Quantity] = set()
    phases = {}
    for phase in ("before", "during", "after"):
        if phase == "during":
            written |= {storage.home.get(c.entering, c.entering) for c in loop.carries}
        parts = _Parts(getattr(loop, phase), loop, layout, names, storage)
        phases[phase] = tuple(in_order(parts.equations, parts.run(), loop, storage, known, written))
        known |= {e.lhs for e in getattr(loop, phase)}
    copies = tuple((c.leaving, c.entering) for c in loop.carries if c.leaving in storage.apart)
    return Routine(loop, storage, **phases, copies=copies)


class _Parts:
    """Splits the equations of one phase into statements, each of which may serve several
    equations."""

    def __init__(
        self,
        equations: tuple[Equation, ...],
        loop: Loop,
        layout: Layout,
        names: Names,
        storage: Storage,
    ):
        self.equations = equations
        self.loop, self.layout, self.names, self.storage = loop, layout, names, storage
        self.weights_of = {p: w.parameters for w in layout.weights for p in w.parameters}
        self.slot = {
            q: (n, k) for n, s in enumerate(storage.stacks) for k, q in enumerate(s.members)
        }
        self.level = {
            q: level for s in storage.stacks for q, level in zip(s.members, s.levels, strict=True)
        }
        self.statements: list[Statement] = []
        self.grouped: dict[tuple, list[tuple]] = {}

    def run(self) -> list[Statement]:
        for equation in self.equations:
            self.split(equation)
        for key, entries in self.grouped.items():
            self.statements += self.merged(key, entries)
        return self.statements

    def place(self, q: Quantity) -> Quantity:
        return self.storage.home.get(q, q)

    def slot_of(self, q: sp.Expr) -> tuple[int, int] | None:
        """Which stack the quantity lies in, and where in it."""
        return self.slot.get(self.place(q))

    # one equation

    def split(self, equation: Equation) -> None:
        q, rhs = equation.lhs, equation.rhs
        if q in self.loop.totals:
            self.total(equation)
        elif self.is_stacked_activation(equation):
            key = ("activate", self.slot[rhs.args[0]][0], self.level[rhs.args[0]])
            self.grouped.setdefault(key, []).append((q, rhs.args[0], rhs.func.__name__))
        else:
            rest = [
                t
                for t in sp.Add.make_args(rhs)
                if not self.is_there_already(t, q) and not self.send(t, q)
            ]
            if rest or rhs == 0:
                self.statements.append(Compute((q,), True, sp.Add(*rest)))

    def is_stacked_activation(self, equation: Equation) -> bool:
        rhs = equation.rhs
        return (
            isinstance(rhs, Elementwise)
            and rhs.func.__name__ in KINDS
            and rhs.args[0] in self.slot
            and self.place(equation.lhs) == rhs.args[0]
        )

    def is_there_already(self, term: sp.Expr, q: Quantity) -> bool:
        return isinstance(term, Quantity) and self.place(term) == self.place(q)

    def send(self, term: sp.Expr, q: Quantity) -> bool:
        """Put a term with its kind, to be merged with others; False where it is plain and
        elementwise."""
        if isinstance(term, MatVec):
            matrix, vector = term.args
            transposed = isinstance(matrix, Transposed)
            matrix = matrix.args[0] if transposed else matrix
            holder, parameter = self.names.parameters[matrix]
            rows = self.weights_of.get(parameter, (parameter,))
            if transposed:
                stack = (self.slot_of(vector) or (vector,))[0]
                self.grouped.setdefault(("pull back", q, holder, rows, stack), []).append(
                    (parameter, matrix, vector)
                )
            else:
                self.grouped.setdefault(("product", vector, holder, rows), []).append(
                    (parameter, matrix, q)
                )
            return True
        if (
            term in self.names.parameters
            and self.names.parameters[term][1] in self.weights_of
            and self.slot_of(q)
        ):
            holder, parameter = self.names.parameters[term]
            self.grouped.setdefault(("add", holder, self.weights_of[parameter]), []).append(
                (parameter, term, q)
            )
            return True
        return False

    def total(self, equation: Equation) -> None:
        holder, parameter = self.names.parameters[equation.lhs]
        rows = self.weights_of.get(parameter, (parameter,))
        rest = []
        for term in sp.Add.make_args(equation.rhs):
            if isinstance(term, Outer):
                left, right = term.args
                stack = (self.slot_of(left) or (left,))[0]
                key = ("outer", right, holder, rows, stack)
                self.grouped.setdefault(key, []).append((parameter, equation.lhs, left))
            else:
                rest.append(term)
        if rest and equation.rhs != 0:
            expr = sp.Add(*rest)
            rows = rows if self.slot_of(expr) else (parameter,)
            self.grouped.setdefault(("total", holder, rows), []).append(
                (parameter, equation.lhs, expr)
            )

    # equations together

    def merged(self, key: tuple, entries: list[tuple]) -> list[Statement]:
        if key[0] == "activate":
            entries = sorted(entries, key=lambda entry: self.slot[entry[1]])
            runs = self.neighbours(entries, lambda entry: entry[1])
            return [Activate(*self.columns((o, a, f) for o, a, f in run)) for run in runs]
        rows = key[2] if key[0] in ("add", "total") else key[3]
        entries = sorted(entries, key=lambda entry: rows.index(entry[0]))
        vectors = [entry[2] for entry in entries]
        whole = tuple(e[0] for e in entries) == rows and (
            len(rows) == 1 or self.side_by_side(vectors)
        )
        return [
            self.statement(key, group)
            for group in ([entries] if whole else [[entry] for entry in entries])
        ]

    def columns(self, entries: Iterable[tuple]) -> tuple:
        outs, arguments, functions = zip(*entries, strict=True)
        return outs, False, arguments, functions

    def statement(self, key: tuple, entries: list[tuple]) -> Statement:
        _, theirs, vectors = (tuple(column) for column in zip(*entries, strict=True))
        match key[0]:
            case "product":
                return Product(vectors, True, theirs, key[1])
            case "pull back":
                return PullBack((key[1],), True, theirs, vectors)
            case "outer":
                return OuterTotal(theirs, True, vectors, key[1])
            case "total":
                return Total(theirs, True, vectors)
            case _:
                return (
                    AddStack(vectors, True, theirs)
                    if len(entries) > 1
                    else Compute(vectors, True, theirs[0])
                )

    def side_by_side(self, vectors: list) -> bool:
        slots = [slot for v in vectors if (slot := self.slot_of(v))]
        together = all((n, k + 1) == following for (n, k), following in pairwise(slots))
        return len(slots) == len(vectors) and together

    def neighbours(self, entries: list, argument) -> list[list]:
        numbered = enumerate(entries)
        return [
            [entry for _, entry in run]
            for _, run in groupby(
                numbered, key=lambda pair: self.slot[argument(pair[1])][1] - pair[0]
            )
        ]
