"""The rule that computes nothing twice: what several formulas have in common gets a name.

Compilers call it the elimination of common subexpressions. What is common is a part of a sum, a
part of a product, a power, or a sum over the features: of ``n * i / (f + i)`` and ``(n - y) * i /
(f + i)`` the sum ``f + i``, and then what is left of the product, `i` over it. It is called by its
own words, ``f_plus_i``, or after the equation where it first occurs.

A name is an array. Within the loop that costs nothing, since the array is small and used again at
every step. Before and after it, an array of all steps costs as much as two operations: so it was
measured, where memory is new. There a name has to save three, unless what it names is one number
for each sequence, or has a name already, whose array nobody takes over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any

import sympy as sp

from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.names import fresh
from derive.nodes import FeatureSum, Node, Quantity, Size, axes_of, has_shape, symbols_of
from derive.program.loop import Loop

Parts = frozenset[sp.Expr]


def share(loop: Loop) -> Loop:
    """Give a name to what several equations of one section have in common."""
    taken = loop.taken()
    before, during, after = (
        _Section(loop, name, getattr(loop, name), taken).run()
        for name in ("before", "during", "after")
    )
    return replace(loop, before=before, during=during, after=after)


@dataclass(frozen=True)
class _Common:
    """A part that several formulas have in common, and how many operations its name saves."""

    kind: Any  # of formula: a sum, a product, …
    parts: Parts
    expr: sp.Expr
    saves: int


class _Section:
    """The equations of one section, in the order in which they are evaluated."""

    def __init__(self, loop: Loop, name: str, equations: Iterable[Equation], taken: set[str]):
        self.loop, self.name, self.taken = loop, name, taken
        self.equations = list(equations)
        self.refused: set[sp.Expr] = set()

    def run(self) -> tuple[Equation, ...]:
        while common := self.best():
            self.give_name(common)
        return tuple(self.equations)

    # what is common

    def best(self) -> _Common | None:
        """What saves most; of several that save as much, a sum, which products are made of."""
        found = [c for c in self.candidates() if self.is_worth_it(c)]
        return max(found, key=lambda c: (c.saves, c.kind is not sp.Mul), default=None)

    def candidates(self) -> Iterator[_Common]:
        """What occurs more than once: whole formulas, and parts of sums and products."""
        formulas = [f for e in self.equations for f in _formulas(e.rhs)]
        for expr, times in Counter(f for f in formulas if not f.is_Add and not f.is_Mul).items():
            if times > 1:
                yield _Common(expr.func, frozenset([expr]), expr, (times - 1) * operations(expr))
        seen: set[tuple[Any, Parts]] = set()
        for (kind, _), places in _pairs(f for f in formulas if f.is_Add or f.is_Mul).items():
            parts = frozenset.intersection(*places)
            if len(places) > 1 and (kind, parts) not in seen:
                seen.add((kind, parts))
                expr, saved = _together(kind, parts)
                yield _Common(kind, parts, expr, (len(places) - 1) * saved)

    def is_worth_it(self, common: _Common) -> bool:
        if common.saves < 1 or common.expr in self.refused or not _is_array(common.expr):
            return False
        if self.name == "during" or common.saves >= 3 or axes_of(common.expr) == ():
            return True
        owner = self.owner(common.expr)
        return owner is not None and not self.is_taken_over(owner.lhs)

    def owner(self, expr: sp.Expr) -> Equation | None:
        """The equation that defines just this, if it may stand further up."""
        leaving = {carry.leaving for carry in self.loop.carries}
        apart = self.loop.totals | (leaving if self.loop.reverse else set())
        own = (e for e in self.equations if e.rhs == expr and not e.stretches)
        return next((e for e in own if e.lhs not in apart), None)

    def is_taken_over(self, q: Quantity) -> bool:
        """Whether an equation that alone reads q is computed in its place, as a product is."""
        readers = [e for e in self.loop.equations if q in symbols_of(e.rhs)]
        leaving = {carry.leaving for carry in self.loop.carries}
        return len(readers) == 1 and readers[0].lhs not in leaving and q in readers[0].rhs.args

    # its name

    def give_name(self, common: _Common) -> None:
        other = sp.Dummy()
        reader = next(e for e in self.equations if _replaced(e.rhs, common, other) != e.rhs)
        place = self.equations.index(reader)
        owner = self.owner(common.expr)
        if owner is None:
            name = name_of(common.expr, reader)
            quantity = Quantity(fresh(name, self.taken), axes_of(common.expr))
            owner = Equation(quantity, common.expr, reader.order)
        else:
            quantity = owner.lhs
            self.equations.remove(owner)
        rest = [replace(e, rhs=_replaced(e.rhs, common, quantity)) for e in self.equations]
        self.equations = [*rest[:place], owner, *rest[place:]]
        self.refused.add(common.expr)


# What is common is looked for after each name anew, in formulas of which most are as before. So
# what is asked of one formula, whatever the others are, is remembered.


@lru_cache(4096)
def _formulas(expr: sp.Expr) -> tuple[sp.Expr, ...]:
    """The formulas of an equation that may have something in common with others, with those inside
    of them. What nodes take has a name already, and a function is looked at as a whole."""
    if isinstance(expr, Elementwise):
        return (expr,)
    if isinstance(expr, Quantity | Size) or not expr.args or _is_product(expr):
        return ()
    is_power = isinstance(expr, sp.Pow)
    is_simple = is_power and expr.exp == -1 and not isinstance(expr.base, sp.Add)
    inside = (f for argument in expr.args for f in _formulas(argument))
    return (*inside,) if is_simple else (expr, *inside)


def _pairs(formulas: Iterable[sp.Expr]) -> dict[tuple[Any, Parts], list[Parts]]:
    """Each pair of terms or factors, with all that stand beside it wherever it occurs; of a sum
    that holds their opposites, the opposites of all."""
    found: dict[tuple[Any, Parts], list[Parts]] = {}
    for formula in formulas:
        parts, pairs = _parts(formula)
        opposites, opposite_pairs = _opposites(formula) if formula.is_Add else (parts, pairs)
        for pair, opposite in zip(pairs, opposite_pairs, strict=True):
            turned = formula.is_Add and (sp.Add, opposite) in found
            key = formula.func, opposite if turned else pair
            found.setdefault(key, []).append(opposites if turned else parts)
    return found


@lru_cache(4096)
def _parts(formula: sp.Expr) -> tuple[Parts, list[Parts]]:
    """The terms or factors of a formula that may be common, and all pairs of them."""
    parts = [p for p in formula.args if p != -1 and not _has_product(p)]
    return frozenset(parts), [frozenset(pair) for pair in combinations(parts, 2)]


@lru_cache(4096)
def _opposites(formula: sp.Expr) -> tuple[Parts, list[Parts]]:
    """The opposites of these."""
    parts, pairs = _parts(formula)
    return frozenset(-p for p in parts), [frozenset(-p for p in pair) for pair in pairs]


@lru_cache(4096)
def _together(kind: Any, parts: Parts) -> tuple[sp.Expr, int]:
    """The sum or product of parts, and how many operations it takes."""
    expr = kind(*sorted(parts, key=sp.default_sort_key))
    return expr, operations(expr)


@lru_cache(4096)
def _is_array(expr: sp.Expr) -> bool:
    """Whether an expression has a value, and is not the same number whatever is given."""
    return bool(symbols_of(expr)) and has_shape(expr)


def _has_product(expr: sp.Expr) -> bool:
    """Whether a part has a product of matrices in it, which is not for this rule."""
    return any(map(_is_product, expr.atoms(Node)))


def _replaced(expr: sp.Expr, common: _Common, name: sp.Symbol) -> sp.Expr:
    """An expression with a name for what is common."""
    if expr == common.expr:
        return name
    if isinstance(expr, Elementwise | Quantity | Size) or not expr.args or _is_product(expr):
        return expr
    if expr.func == common.kind and (expr.is_Add or expr.is_Mul):
        for sign in (1, -1) if expr.is_Add else (1,):
            shared = {sign * part for part in common.parts}
            if shared.issubset(expr.args):
                rest = (p for p in expr.args if p not in shared)
                return expr.func(*(_replaced(p, common, name) for p in rest), sign * name)
    changed = [_replaced(argument, common, name) for argument in expr.args]
    return expr.func(*changed) if changed != [*expr.args] else expr


def _is_product(expr: sp.Expr) -> bool:
    return isinstance(expr, Node) and not isinstance(expr, FeatureSum)


def operations(expr: sp.Expr) -> int:
    """How many operations on arrays an expression takes; a division counts as two, and so does a
    function."""
    inner = sum(map(operations, expr.args))
    if isinstance(expr, sp.Add | sp.Mul):
        parts = [p for p in expr.args if p != -1]
        return inner + len(parts) - 1 - min(sum(map(_divides, parts)), len(parts) - 1)
    twice = 2 * isinstance(expr, FeatureSum | Elementwise)
    return inner + twice + isinstance(expr, sp.Pow) + _divides(expr)


def _divides(factor: sp.Expr) -> bool:
    return isinstance(factor, sp.Pow) and bool(factor.exp == -1)


# --- names ---------------------------------------------------------------------------------------

NUMBERS = {sp.S.One: "one", sp.Integer(2): "two", sp.S.Half: "half"}


def name_of(expr: sp.Expr, equation: Equation) -> str:
    """What an expression is called by its own words, if it is short; else after the equation."""
    return _words(expr) or f"{equation.lhs}_part"


def _words(expr: sp.Expr) -> str:
    if isinstance(expr, Quantity):
        return expr.name
    if expr in NUMBERS:
        return NUMBERS[expr]
    if isinstance(expr, sp.Pow) and (base := _words(expr.base)):
        return {2: f"{base}_squared", -1: f"inv_{base}"}.get(expr.exp, "")
    if isinstance(expr, FeatureSum):
        return f"sum_{expr.args[0]}" if isinstance(expr.args[0], Quantity) else ""
    if isinstance(expr, sp.Add) and len(expr.args) + any(a.is_Mul for a in expr.args) <= 3:
        return _sum_in_words(expr)
    if isinstance(expr, sp.Mul):
        return _product_in_words(expr)
    return ""


def _sum_in_words(expr: sp.Add) -> str:
    terms = sorted(expr.args, key=lambda t: (t.could_extract_minus_sign(), t.has(Quantity), str(t)))
    signs = ["_minus_" if t.could_extract_minus_sign() else "_plus_" for t in terms]
    words = [_words(-t if s == "_minus_" else t) for t, s in zip(terms, signs, strict=True)]
    if not all(words) or signs[0] == "_minus_":
        return ""
    return words[0] + "".join(s + w for s, w in zip(signs[1:], words[1:], strict=True))


def _product_in_words(expr: sp.Mul) -> str:
    names = sorted((str(f) for f in expr.args if isinstance(f, Quantity)), key=_inverses_last)
    rest = [f for f in expr.args if not isinstance(f, Quantity)]
    if len(names) == 1 and not any(map(symbols_of, rest)):
        return f"{names[0]}_each"  # divided by the number of entries
    below = [f.base for f in rest if isinstance(f, sp.Pow) and f.exp == -1]
    if len(rest) != len(below) or not all(isinstance(f, Quantity) for f in below):
        return ""
    if len(names) + len(below) > 3 or not names:
        return ""
    return "_".join(names) + "_per_" * bool(below) + "_".join(sorted(map(str, below)))


def _inverses_last(name: str) -> tuple[bool, str]:
    return name.startswith("inv_"), name
