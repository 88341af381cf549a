"""The same quantity by another name: what one cell calls g and another n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from derive.cell import Equation
from derive.display.compare.terms import Label, structure
from derive.display.derivation import Name, Textbook
from derive.display.formula import Mathematics
from derive.nodes import Quantity, symbols_of

OWN = "·"  # stands for a quantity where its name is left out

Use = tuple[str, ...]


def labelled(book: Textbook, renamed: Mapping[str, str]) -> Label:
    """Quantities are the same if they agree in name, time step, and role as state or adjoint."""

    def label(quantity: Quantity) -> str:
        name = book.names[quantity.name]
        step = "t-1" if name.step == "t-1" else ""
        return f"{'bar ' * name.bar}{renamed_word(name.word, renamed)} {step}{name.part}{name.new}"

    return label


def renamed_word(word: str, renamed: Mapping[str, str]) -> str:
    """A word in the new cell's names: with g called n, ``W_g`` is ``W_n``."""
    if word in renamed:
        return renamed[word]
    stem, _, member = word.rpartition("_")
    return f"{stem}_{renamed[member]}" if stem and member in renamed else word


def called(book: Textbook, renamed: Mapping[str, str]) -> Textbook:
    """The old cell's equations in the new one's names, so that both are read side by side."""
    names = {
        key: replace(name, word=renamed_word(name.word, renamed))
        for key, name in book.names.items()
    }
    return replace(book, names=names)


def renamings(old: Textbook, new: Textbook) -> dict[str, str]:
    """Names of the old cell for quantities that the new one has by other names, which are its own.

    They are the same where their equations are, with their own names left out, and something is
    done with both: that two gates are computed alike does not make a forget gate a reset gate.
    Where several fit, the one is taken that has most in common in what is done with it, then in the
    terms of its pre-activation; then the first.
    """
    ours, theirs = _named(old), _named(new)
    taken = {part for q in old.cell.quantities for part in (q.name, q.name.rpartition("_")[2])}
    free = [word for word in theirs if word not in ours.keys() | taken]
    found: dict[str, str] = {}
    for word, equation in ours.items():
        if word in theirs:
            continue
        shape = _anonymous(old, equation, word)
        alike = [other for other in free if _anonymous(new, theirs[other], other) == shape]
        uses, terms = _uses(old, equation.lhs), _activations(old, word)
        common = {other: len(uses & _uses(new, theirs[other].lhs)) for other in alike}
        fit = [other for other in alike if common[other]]
        if fit:
            rank = {it: (common[it], len(terms & _activations(new, it))) for it in fit}
            best = max(fit, key=rank.__getitem__)
            found[word] = best
            free.remove(best)
    return found


def _named(book: Textbook) -> dict[str, Equation]:
    """The equations a person gave a name, but for new states."""
    named = {e.lhs for e in book.cell.equations} - set(book.cell.updates.values())
    return {e.lhs.name: e for e in book.forward if e.lhs in named}


def _anonymous(book: Textbook, equation: Equation, own: str) -> str:
    return structure(equation.rhs, labelled(book, {own: OWN}))


def _uses(book: Textbook, own: Quantity) -> set[Use]:
    """What is done with a quantity, in no names: in each term that has it, the factor that it is or
    stands in, and what kinds of quantities that is multiplied with; whether it is the output."""
    cell = book.cell
    kinds = dict.fromkeys(cell.parameters, "parameter") | dict.fromkeys(cell.given, "input")
    kinds |= dict.fromkeys((*cell.states, *cell.updates.values()), "state") | {own: OWN}

    def kind(quantity: Quantity) -> str:
        return kinds.get(quantity, "value")

    found: set[Use] = {("output",)} if own == cell.output else set()
    for e in book.forward:
        for term in Mathematics(book).terms(e):
            factors = sp.Mul.make_args(term)
            held = [factor for factor in factors if own in symbols_of(factor)]
            others = {kind(q) for f in factors if f not in held for q in symbols_of(f)}
            if held:
                found.add((kind(e.lhs), structure(sp.Mul(*held), kind), *sorted(others)))
    return found


def _activations(book: Textbook, word: str) -> set[str]:
    """The terms of the pre-activation that serves a word, without its name."""
    label = labelled(book, {word: OWN})
    names: Mapping[str, Name] = book.names
    found = [e for e in book.forward if names[e.lhs.name].word == f"a_{word}"]
    return {structure(t, label) for e in found for t in Mathematics(book).terms(e)}
