"""A story in HTML: a fragment that brings its own style, and a page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from derive.display.derivation import Name
from derive.display.formula import plain
from derive.display.trace import page
from derive.display.trace.printers import UnicodePutIn
from derive.display.trace.story import Given, Line, Story, Sum, together
from derive.display.unicode import Unicode, barred
from derive.render import render


def fragment(stories: Sequence[Story]) -> str:
    """The stories as an element of a page, or of a notebook."""
    return render("html/trace.html.j2", stories=list(map(Page, stories)))


def document(stories: Sequence[Story]) -> str:
    """A page that needs no other file."""
    return render("html/trace_page.html.j2", stories=list(map(Page, stories)))


class Html(Unicode):
    """Mathematics in Unicode with the names marked up: W_f has an index."""

    def named(self, name: Name) -> str:
        first, _, index = name.word.partition("_")
        letter = html.escape(barred(first) if name.bar else first) + "′" * name.new
        below = f"<sub>{html.escape(index)}</sub>" if index else ""
        part = f"<sup>{name.part}</sup>" if name.part in ("loss", "next") else ""
        return f"<var>{letter}{below}{part}</var>"


class Page(page.Page):
    """A story in HTML."""

    printer, put_in = Html, UnicodePutIn

    def words(self, text: str) -> str:
        return html.escape(text)

    def given(self, given: Given) -> list[tuple[str, str, str]]:
        """Names as they are, as they are shown, and values."""
        names = (quantity.name for quantity, _ in given.values)
        sides = given.sides(self.symbols, self.numbers)
        pairs = zip(names, sides, strict=True)
        return [(name, left, plain(right)) for name, (left, right) in pairs]

    def equations(self, lines: Iterable[Line | Sum]) -> list[tuple[str, list[str], str]]:
        """Each equation: the name of what it defines, its sides, what is said of it."""
        found = []
        for line in lines:
            sides = list(map(plain, line.sides(self.symbols, self.numbers)))
            found.append((line.equation.lhs.name, sides, self.text(together(line.remarks))))
        return found
