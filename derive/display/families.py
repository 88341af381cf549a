"""Equations of one form, written once.

The gates of an LSTM have four equations that differ in nothing but the gate's letter: ``a_i = W_i @
x + U_i @ h + b_i``, and so on. A paper writes ``a_k = W_k @ x + U_k @ h + b_k``, for k = i, f, g,
o. Here that is found from the names: equations that become the same when the last part of their
left-hand sides' names becomes a letter, wherever it is the last part of a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import Textbook
from derive.nodes import Quantity, symbols_of

PARTS = ("forward", "adjoints", "back", "inputs", "parameters")  # of a textbook
LETTERS = "kjnmlrsuvz"  # for the member of a family, if no name has it


@dataclass(frozen=True)
class Family:
    """One equation, or several of one form.

    equation  the equation, or that of all of them, in which a letter stands for the members
    members   what the letter stands for; empty for one equation by itself
    """

    equation: Equation
    members: tuple[str, ...] = ()


def letter_for(names: Iterable[str]) -> str | None:
    """A letter that is no part of any name; None where all are taken."""
    taken = {part for name in names for part in name.split("_")}
    return next((letter for letter in LETTERS if letter not in taken), None)


def families(equations: Iterable[Equation], letter: str | None) -> list[Family]:
    """The equations in their order, those of one form in one, where all that they read stands
    before the first of them."""
    equations = tuple(equations)
    found: dict[Equation, list[tuple[int, str]]] = {}
    for n, e in enumerate(equations if letter else ()):
        base, _, end = e.lhs.name.rpartition("_")
        if base:
            found.setdefault(renamed(e, end, letter or ""), []).append((n, end))
    rank = {e.lhs: n for n, e in enumerate(equations)}
    first: dict[int, Family] = {}
    gone: set[int] = set()
    for form, places in found.items():
        numbers = [n for n, _ in places]
        reads = {q for n in numbers for q in symbols_of(equations[n].rhs)}
        if len(places) > 1 and all(rank.get(q, -1) < numbers[0] for q in reads):
            first[numbers[0]] = Family(form, tuple(end for _, end in places))
            gone |= set(numbers[1:])
    return [first.get(n, Family(e)) for n, e in enumerate(equations) if n not in gone]


def renamed(equation: Equation, end: str, letter: str) -> Equation:
    """An equation with a letter in the place of the last part of names that end so."""
    lhs, rhs = (_renamed(side, end, letter) for side in (equation.lhs, equation.rhs))
    order = tuple(_other(name, end, letter) for name in equation.order)
    return Equation(lhs, rhs, order)


def _renamed(expr: sp.Expr, end: str, letter: str) -> sp.Expr:
    names = {q: _other(q.name, end, letter) for q in symbols_of(expr)}
    return expr.xreplace({q: Quantity(name, q.axes) for q, name in names.items() if name != q.name})


def _other(name: str, end: str, letter: str) -> str:
    return name.removesuffix(end) + letter if name.endswith(f"_{end}") else name


def the_only(members: Iterable[tuple[str, ...]]) -> Collection[str]:
    """The members that the letter stands for, if it stands for the same ones everywhere."""
    sets = {frozenset(some) for some in members if some}
    return sets.pop() if len(sets) == 1 else ()


class SumOver(sp.Function):
    """For display: the sum of a term over all members of a family. Its arguments are the term and
    the letter."""

    nargs = 2


def summed(equation: Equation, members: Collection[str], letter: str) -> Equation:
    """An equation where terms of one form, one for each member of a family, are a sum."""
    rhs = equation.rhs.replace(sp.Add, lambda *terms: _sum(terms, members, letter))
    return replace(equation, rhs=rhs)


def _sum(terms: tuple[sp.Expr, ...], members: Collection[str], letter: str) -> sp.Expr:
    forms: dict[sp.Expr, dict[str, sp.Expr]] = {}
    for term in terms:
        for end in {q.name.rpartition("_")[2] for q in symbols_of(term)} & {*members}:
            forms.setdefault(_renamed(term, end, letter), {})[end] = term
    whole = {form: of for form, of in forms.items() if len(of) == len(members)}
    gone = {term for of in whole.values() for term in of.values()}
    sums = (SumOver(form, sp.Symbol(letter)) for form in whole)
    return sp.Add(*(term for term in terms if term not in gone), *sums)


def in_families(book: Textbook) -> Textbook:
    """A textbook that writes equations of one form once, and sums over a family as such, where
    there is just one that the letter may stand for."""
    letter = letter_for(name.word for name in book.names.values()) or ""
    parts = {part: families(getattr(book, part), letter) for part in PARTS}
    members = {f.equation.lhs.name: f.members for part in parts.values() for f in part if f.members}
    every = the_only(members.values())
    equations: dict[str, Any] = {
        part: tuple(
            f.equation if f.members or not every else summed(f.equation, every, letter)
            for f in found
        )
        for part, found in parts.items()
    }
    names, rank = dict(book.names), dict(book.rank)
    ends = dict.fromkeys(end for some in members.values() for end in some)
    used = {q.name for some in equations.values() for e in some for q in _quantities(e)}
    for name in used - names.keys():
        stem = name.removesuffix(letter)
        first, end = next((stem + end, end) for end in ends if stem + end in names)
        names[name] = replace(names[first], word=_other(names[first].word, end, letter))
        rank[name] = rank[first]
    return replace(book, **equations, names=names, rank=rank, members=members)


def _quantities(equation: Equation) -> frozenset[Quantity]:
    return symbols_of(equation.rhs) | {equation.lhs}
