"""Equations of one form, written once.

The gates of an LSTM have four equations that differ in nothing but the gate's letter: ``a_i = W_i @
x + U_i @ h + b_i``, and so on. A paper writes ``a_k = W_k @ x + U_k @ h + b_k``, for k = i, f, g,
o. Here that is found from the names: equations that become the same when the last part of their
left-hand sides' names becomes a letter, wherever it is the last part of a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from derive.cell import Equation
from derive.display.derivation import Textbook
from derive.nodes import Quantity, symbols_of

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

    def other(name: str) -> str:
        return name.removesuffix(end) + letter if name.endswith(f"_{end}") else name

    symbols = symbols_of(equation.rhs) | {equation.lhs}
    meant = {q: Quantity(other(q.name), q.axes) for q in symbols if other(q.name) != q.name}
    return replace(
        equation,
        lhs=meant.get(equation.lhs, equation.lhs),
        rhs=equation.rhs.xreplace(meant),
        order=tuple(map(other, equation.order)),
    )


def in_families(book: Textbook) -> Textbook:
    """A textbook that writes equations of one form once."""
    letter = letter_for(name.word for name in book.names.values())
    names, rank = dict(book.names), dict(book.rank)
    members: dict[str, tuple[str, ...]] = {}
    parts: dict[str, Any] = {}
    for part in ("forward", "adjoints", "back", "inputs", "parameters"):
        found = families(getattr(book, part), letter)
        parts[part] = tuple(family.equation for family in found)
        for family in found:
            if family.members:
                members[family.equation.lhs.name] = family.members
                for name in _names_in(family.equation) - names.keys():
                    first = name.removesuffix(letter or "") + family.members[0]
                    word = names[first].word.removesuffix(family.members[0]) + (letter or "")
                    names[name] = replace(names[first], word=word)
                    rank[name] = rank[first]
    return replace(book, **parts, names=names, rank=rank, members=members)


def _names_in(equation: Equation) -> set[str]:
    return {q.name for q in symbols_of(equation.rhs) | {equation.lhs}}
