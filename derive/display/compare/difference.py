"""Two cells, equation by equation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from derive.adjoint import adjoint
from derive.cell import Cell, Equation
from derive.display.about import shape
from derive.display.compare.renamed import labelled, renamed_word, renamings
from derive.display.compare.terms import Change, compared, merged
from derive.display.derivation import Textbook, textbook
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


def replaced(
    old: Iterable[Quantity], new: Iterable[Quantity], renamed: Mapping[str, str]
) -> tuple[list[Quantity], list[Quantity]]:
    """The quantities that only the old cell has, and those that only the new one has. They are the
    same if they agree in shape and in the name that the new cell has for them."""
    before = {(renamed_word(q.name, renamed), shape(q.axes)): q for q in old}
    after = {(q.name, shape(q.axes)): q for q in new}
    went = [q for key, q in before.items() if key not in after]
    return went, [q for key, q in after.items() if key not in before]
