"""Two equations, term by term.

Terms are compared by their structure and the names in them, so that two cells agree on a term where
a reader would see the same one, whatever it was computed from and however long its vectors are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import sympy as sp

from derive.cell import Equation
from derive.display.formula import Mathematics
from derive.nodes import Quantity

Item = TypeVar("Item")
Label = Callable[[Quantity], str]  # quantities of one label are the same in a comparison


@dataclass(frozen=True)
class Term:
    """A term of a sum, in the old equation, in the new one or in both."""

    old: sp.Expr | None
    new: sp.Expr | None

    @property
    def same(self) -> bool:
        return self.old is not None and self.new is not None


@dataclass(frozen=True)
class Change:
    """The change of one equation; `old` or `new` is None where one cell lacks it.

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
    printers: tuple[Mathematics, Mathematics],
    labels: tuple[Label, Label],
) -> Change:
    """The change from one equation to another, either of which may be missing."""
    before, after = (
        {structure(term, label): term for term in printer.terms(equation)} if equation else {}
        for equation, printer, label in zip((old, new), printers, labels, strict=True)
    )
    return Change(old, new, tuple(Term(*pair) for pair in merged(before, after)))


def merged(
    old: Mapping[str, Item], new: Mapping[str, Item]
) -> list[tuple[Item | None, Item | None]]:
    """Pairs of items with the same key, in the new order. An item of the old alone follows the pair
    that it followed there, or comes first."""
    gone: dict[str, list[tuple[Item | None, Item | None]]] = {"": []}  # by the key in front
    last = ""
    for key, item in old.items():
        if key in new:
            last = key
            gone[last] = []
        else:
            gone[last].append((item, None))
    pairs = list(gone[""])
    for key, item in new.items():
        pairs += [(old.get(key), item), *gone.get(key, [])]
    return pairs
