"""A step of a cell told as a story: what is kept, what is new, how much of it is let in and out.

It is told from the new states back. A sum of which terms have gates is told term by term: the share
of the old memory that is kept; what is new; the share of it that is let in; their sum. A product
with a gate is told as what it is a share of, the share, and the product. All else is told as what
is new. Whatever a part needs is told before it, a gate inside a formula in a step of its own. For
the LSTM these are the seven steps that its textbooks tell.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

import sympy as sp

from derive.cell import Equation
from derive.display.about import listed
from derive.display.derivation import Textbook
from derive.display.trace.roles import Does, memories, roles, shares, shares_in
from derive.display.trace.story import Text
from derive.nodes import Quantity, symbols_of


@dataclass(frozen=True)
class Part:
    """An equation, or a part of its right-hand side that has no name."""

    equation: Equation
    part: sp.Expr | None = None

    @property
    def computes(self) -> sp.Expr:
        return self.equation.lhs if self.part is None else self.part


@dataclass(frozen=True)
class StoryStep:
    """A step of the story: what it is, and what is computed for it."""

    heading: Text
    parts: tuple[Part, ...]


class Teller:
    """Tells every equation of a textbook once. `terms` gives an equation's terms as they are
    printed."""

    def __init__(self, book: Textbook, terms: Callable[[Equation], list[sp.Expr]]):
        self.book, self.cell, self.terms = book, book.cell, terms
        self.equations = {e.lhs: e for e in book.forward}
        self.roles, self.shares, self.memories = roles(book), shares(book), memories(book.cell)
        self.told: dict[sp.Expr, int] = {}  # what is computed in which step
        self.steps: list[StoryStep] = []

    def tell(self) -> tuple[StoryStep, ...]:
        new = {update: state for state, update in self.cell.updates.items()}
        for equation in self.book.forward:
            if equation.lhs in new:
                self.update(equation, new[equation.lhs])
        self.add(("The output",), self.needed(self.equations, apart=()))
        return tuple(self.steps)

    # one update

    def update(self, equation: Equation, state: Quantity) -> None:
        name, terms = self.called(state), self.terms(equation)
        gated = [bool(shares_in(term, self.shares)) for term in terms]
        if len(terms) > 1 and any(gated):
            self.sum(equation, state, terms, name)
        elif len(terms) == 1 and gated[0]:
            self.product(equation, terms[0], name)
        else:
            self.add(("The new ", *name), self.needed([equation.lhs]))

    def sum(self, equation: Equation, state: Quantity, terms: list[sp.Expr], name: Text) -> None:
        """Term by term, then the sum."""
        numbers = []
        for term in terms:
            own = shares_in(term, self.shares)
            rest = without(term, own)
            is_old = state in symbols_of(rest)
            if not is_old:
                self.new(equation, rest, name)
            if own:
                parts = [*self.needed(symbols_of(term)), Part(equation, term)]
                share = ("The share of the old ", *name, " to keep")
                self.add(share if is_old else ("The share of the candidate to let in",), parts)
            elif term == state:
                self.add(("The old ", *name, ", all of it"), [Part(equation, term)])
            elif is_old:
                parts = [*self.needed(symbols_of(term)), Part(equation, term)]
                self.add(("What the old ", *name, " gives"), parts)
            numbers.append(self.told.get(term, self.told.get(rest, 0)))
        self.add(
            ("The ", *name, " updated: the sum of steps ", listed(numbers)),
            self.needed([equation.lhs]),
        )

    def product(self, equation: Equation, term: sp.Expr, name: Text) -> None:
        """What there is, the share of it, the product."""
        own = shares_in(term, self.shares)
        rest = without(term, own)
        self.new(equation, rest, name)
        self.add(("The share of it to let out",), self.needed(symbols_in(own)))
        numbers = sorted(self.told[part] for part in (rest, *own) if part in self.told)
        text = f": the product of steps {listed(numbers)}" if len(numbers) > 1 else ""
        self.add(("The ", *name, " updated", text), self.needed([equation.lhs]))

    def new(self, equation: Equation, rest: sp.Expr, name: Text) -> None:
        """What is proposed as new, unless it has been told, or is a plain number."""
        parts = self.needed(symbols_of(rest))
        if not isinstance(rest, Quantity) and symbols_of(rest):
            parts.append(Part(equation, rest))
        self.add(("The candidate for the ", *name), parts)

    # what comes before

    def needed(
        self, quantities: Iterable[Quantity], apart: Container[Quantity] | None = None
    ) -> list[Part]:
        """The equations that quantities need and that were not told yet, theirs as well. A gate
        that a formula needs, or what else stands `apart`, is told in a step of its own before."""
        apart = {role.gate for role in self.roles} if apart is None else apart
        wanted = set(quantities) & self.equations.keys()
        needed = wanted | {q for w in wanted for q in self.rests_on(w)}
        for e in self.book.forward:
            if e.lhs in needed - wanted - self.told.keys() and e.lhs in apart:
                self.gate(e.lhs)
        return [Part(e) for e in self.book.forward if e.lhs in needed - self.told.keys()]

    def gate(self, gate: Quantity) -> None:
        """A gate that acts inside a formula."""
        role = next(role for role in self.roles if role.gate == gate)
        what: Text = (role.partner,)
        if role.partner in self.cell.states:
            what = ("the old ", *self.called(role.partner))
        end = " to keep" if role.does is Does.KEEPS else " to let through"
        self.add(("The share of ", *what, end), self.needed([gate]))

    def rests_on(self, quantity: Quantity) -> set[Quantity]:
        """The quantities with equations of their own that one is computed from, however far."""
        found: set[Quantity] = set()
        waiting = [quantity]
        while waiting:
            read = symbols_of(self.equations[waiting.pop()].rhs) & self.equations.keys() - found
            found |= read
            waiting += read
        return found

    # words

    def add(self, heading: Text, parts: list[Part]) -> None:
        """A step, if there is anything to compute in it."""
        if parts:
            self.steps.append(StoryStep(heading, tuple(parts)))
        for part in parts:
            self.told[part.computes] = len(self.steps)

    def called(self, state: Quantity) -> Text:
        """A state's name in words, with its letter where another has the same."""
        name = self.memories[state]
        alone = list(self.memories.values()).count(name) == 1
        return (name,) if alone else (name, " ", state)


def without(product: sp.Expr, factors: Iterable[sp.Expr]) -> sp.Expr:
    """A product without some of its factors."""
    return sp.Mul(product, *(1 / factor for factor in factors))


def symbols_in(expressions: Iterable[sp.Expr]) -> set[Quantity]:
    """The quantities that any of the expressions names."""
    return {q for expr in expressions for q in symbols_of(expr)}
