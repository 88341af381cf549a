"""Two cells, equation by equation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from derive.adjoint import adjoint
from derive.cell import Cell, Equation
from derive.display.about import shape
from derive.display.compare.terms import Change, Label, compared, merged, structure
from derive.display.derivation import Name, Textbook, textbook
from derive.display.formula import Mathematics
from derive.nodes import Quantity

SECTIONS = ("forward", "adjoints", "back", "parameters")


@dataclass(frozen=True)
class Difference:
    """The changes from the old cell to the new one.

    renamed   names of the old cell for which the new one has others
    sections  for each of SECTIONS, the change of every equation, in the new order
    """

    old: Textbook
    new: Textbook
    renamed: Mapping[str, str]
    sections: Mapping[str, tuple[Change, ...]]

    @property
    def same(self) -> bool:
        return all(change.same for changes in self.sections.values() for change in changes)


def difference(old: Cell, new: Cell) -> Difference:
    """Align two cells by the names of their quantities, or else by the shape of their equations."""
    return between(textbook(adjoint(old)), textbook(adjoint(new)))


def between(old: Textbook, new: Textbook) -> Difference:
    """The same for derivations that are there already."""
    books = old, new
    renamed = renamings(*books)
    printers = Mathematics(books[0]), Mathematics(books[1])
    labels = labelled(books[0], renamed), labelled(books[1], {})
    sections = {}
    for section in SECTIONS:
        before, after = (
            {label(e.lhs): e for e in equations(book, section)}
            for book, label in zip(books, labels, strict=True)
        )
        pairs = merged(before, after)
        sections[section] = tuple(compared(one, two, printers, labels) for one, two in pairs)
    return Difference(old, new, renamed, sections)


def equations(book: Textbook, section: str) -> tuple[Equation, ...]:
    """The equations of a section; what is handed back goes to the states and to the inputs."""
    found: tuple[Equation, ...] = getattr(book, section)
    return (*found, *book.inputs) if section == "back" else found


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


def replaced(
    old: Iterable[Quantity], new: Iterable[Quantity], renamed: Mapping[str, str]
) -> tuple[list[Quantity], list[Quantity]]:
    """The quantities that only the old cell has, and those that only the new one has. They are the
    same if they agree in shape and in the name that the new cell has for them."""
    before = {(renamed_word(q.name, renamed), shape(q.axes)): q for q in old}
    after = {(q.name, shape(q.axes)): q for q in new}
    went = [q for key, q in before.items() if key not in after]
    return went, [q for key, q in after.items() if key not in before]


# --- the same by another name --------------------------------------------------------------------


def renamings(old: Textbook, new: Textbook) -> dict[str, str]:
    """Names of the old cell whose equations are those of names that only the new one has.

    An equation and its pre-activation are compared with their own name left out. Where several fit,
    the one with the most terms in common is taken, the first of those.
    """
    ours, theirs = _named(old), _named(new)
    taken = {part for q in old.cell.quantities for part in (q.name, q.name.rpartition("_")[2])}
    free = [word for word in theirs if word not in ours.keys() | taken]
    found: dict[str, str] = {}
    for word, equation in ours.items():
        if word in theirs or not free:
            continue
        shape = _anonymous(old, equation, word)
        alike = [other for other in free if _anonymous(new, theirs[other], other) == shape]
        if alike:
            shared = _activations(old, word)
            best = max(alike, key=lambda other: len(shared & _activations(new, other)))
            found[word] = best
            free.remove(best)
    return found


def _named(book: Textbook) -> dict[str, Equation]:
    """The equations a person gave a name, but for new states."""
    named = {e.lhs for e in book.cell.equations} - set(book.cell.updates.values())
    return {e.lhs.name: e for e in book.forward if e.lhs in named}


def _anonymous(book: Textbook, equation: Equation, own: str) -> str:
    return structure(equation.rhs, labelled(book, {own: "·"}))


def _activations(book: Textbook, word: str) -> set[str]:
    """The terms of the pre-activation that serves a word, without its name."""
    label = labelled(book, {word: "·"})
    names: Mapping[str, Name] = book.names
    found = [e for e in book.forward if names[e.lhs.name].word == f"a_{word}"]
    return {structure(t, label) for e in found for t in Mathematics(book).terms(e)}
