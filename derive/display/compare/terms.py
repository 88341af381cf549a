"""Two equations, term by term.

Terms are compared by their structure and the names in them, so that two cells agree on a term where
a reader would see the same one, whatever it was computed from and however long its vectors are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy as sp

from derive.cell import Equation
from derive.display.formula import Mathematics
from derive.nodes import Quantity

Label = Callable[[Quantity], str]  # what a quantity is taken for in a comparison


@dataclass(frozen=True)
class Term:
    """A term of a sum: in the old equation, in the new one, or in both."""

    old: sp.Expr | None
    new: sp.Expr | None

    @property
    def same(self) -> bool:
        return self.old is not None and self.new is not None


@dataclass(frozen=True)
class Change:
    """What became of one equation; a side it is missing from is None.

    terms  of both, in the new order, with what went before what came in its place
    """

    old: Equation | None
    new: Equation | None
    terms: tuple[Term, ...]

    @property
    def same(self) -> bool:
        return self.old is not None and self.new is not None and all(t.same for t in self.terms)

    @property
    def removed(self) -> tuple[sp.Expr, ...]:
        return tuple(t.old for t in self.terms if t.new is None and t.old is not None)

    @property
    def added(self) -> tuple[sp.Expr, ...]:
        return tuple(t.new for t in self.terms if t.old is None and t.new is not None)


def structure(expr: sp.Expr, label: Label) -> str:
    """An expression as a text that is the same for the same expression, up to `label`."""
    if isinstance(expr, Quantity):
        return label(expr)
    if not expr.args:
        return str(expr)
    parts = [structure(argument, label) for argument in expr.args]
    if isinstance(expr, sp.Add | sp.Mul):
        parts.sort()
    return f"{expr.func.__name__}({', '.join(parts)})"


def compared(
    old: Equation | None,
    new: Equation | None,
    words: tuple[Mathematics, Mathematics],
    labels: tuple[Label, Label],
) -> Change:
    """The change from one equation to another, either of which may be missing."""
    before = words[0].terms(old) if old else []
    after = words[1].terms(new) if new else []
    return Change(old, new, tuple(_merged(before, after, labels)))


def _merged(
    before: list[sp.Expr], after: list[sp.Expr], labels: tuple[Label, Label]
) -> Iterator[Term]:
    """Terms of both in the new order. What went stands where it stood: behind the term that it
    followed, or in front of all."""
    old_of = {structure(term, labels[0]): term for term in before}
    shared = old_of.keys() & {structure(term, labels[1]) for term in after}
    gone: dict[str, list[Term]] = {"": []}  # by the shared term in front
    last = ""
    for text, term in old_of.items():
        if text in shared:
            last = text
            gone[last] = []
        else:
            gone[last].append(Term(term, None))
    yield from gone[""]
    for term in after:
        text = structure(term, labels[1])
        if text in shared:
            yield Term(old_of[text], term)
            yield from gone[text]
        else:
            yield Term(None, term)
