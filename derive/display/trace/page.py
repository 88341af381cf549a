"""A story in some format, as its templates see it: what all formats share."""

from __future__ import annotations

import sympy as sp

from derive.display.formula import Mathematics, plain
from derive.display.trace.printers import PutIn, Value
from derive.display.trace.story import Section, Story, Text


class Page:
    """A story, and the printers of a format; a subclass says which, and how it writes words.

    printer  prints an equation's symbols
    put_in   prints it with values in their place
    """

    printer: type[Mathematics]
    put_in: type[PutIn]

    def __init__(self, story: Story):
        self.story = story
        self.symbols = self.printer(story.book)

    @property
    def title(self) -> str:
        return self.words(self.story.title)

    @property
    def notes(self) -> list[str]:
        return list(map(self.text, self.story.notes))

    @property
    def sections(self) -> tuple[Section, ...]:
        return self.story.sections

    def numbers(self, value: Value) -> PutIn:
        """The printer of values at one step."""
        return self.put_in(self.story.book, value)

    def text(self, text: Text) -> str:
        """Running text, with formulas in it."""
        return "".join(self.words(p) if isinstance(p, str) else self.formula(p) for p in text)

    def words(self, text: str) -> str:
        """Words, such that nothing in them is the format's own."""
        raise NotImplementedError

    def formula(self, expr: sp.Expr) -> str:
        """A formula in running text."""
        return plain(self.symbols(expr))
