"""A story in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from itertools import chain

from derive.display.formula import fill, plain
from derive.display.terminal import console
from derive.display.trace import page
from derive.display.trace.printers import UnicodePutIn
from derive.display.trace.story import Given, Line, Section, Story, Sum, together
from derive.display.unicode import Unicode, columns

WIDEST = 120
EQUALS, INDENT = " = ", 4
RESULT, QUIET = "bold", "dim"

Spans = tuple[tuple[str, str], ...]  # the parts of a line, each with its style


def print_stories(stories: Iterable[Story]) -> None:
    """Print stories, in lines as wide as the terminal, up to 120 columns."""
    from rich.text import Text as Styled

    out = console(WIDEST)
    pages = [[*Page(story, out.width).lines(), ()] for story in stories]
    for spans in list(chain.from_iterable(pages))[:-1]:
        for line in Styled.assemble(*spans).wrap(out, out.width, overflow="fold"):
            line.rstrip()
            out.print(line)


class Page(page.Page):
    """A story as styled lines of a width."""

    printer, put_in = Unicode, UnicodePutIn

    def __init__(self, story: Story, width: int):
        super().__init__(story)
        self.width = width

    def words(self, text: str) -> str:
        return text

    def lines(self) -> Iterator[Spans]:
        yield ((self.title, "bold"),)
        for note in self.notes:
            yield from (((line, QUIET),) for line in textwrap.wrap(note, self.width))
        for section in self.sections:
            yield from self.section(section)

    def section(self, section: Section) -> Iterator[Spans]:
        if section.heading:
            yield ()
            indent = "  " * (section.level - 1)
            yield ((indent + self.text(section.heading), ("bold", "italic")[section.level - 1]),)
        yield from self.given(section.given)
        yield from self.equations(section.lines)
        for note in section.notes:
            yield ()
            yield from (((line, ""),) for line in textwrap.wrap(self.text(note), self.width))

    def given(self, given: Given) -> Iterator[Spans]:
        """Values side by side, as many as there is room for."""
        row = ""
        for left, right in given.sides(self.symbols, self.numbers):
            text = f"{left} = {plain(right)}"
            room = self.width - INDENT
            if row and columns(f"{row},  {text}") > room:
                yield ((" " * INDENT + row, ""),)
                row = ""
            if columns(text) > room:
                (_, first), *more = fill(
                    f"{left} = {right}", columns, room, room - min(columns(left), room // 3) - 4
                )
                yield ((" " * INDENT + plain(first), ""),)
                start = " " * (INDENT + min(columns(left), room // 3) + len(EQUALS) + 1)
                yield from (((start + plain(line), ""),) for _, line in more)
            else:
                row = f"{row},  {text}" if row else text
        if row:
            yield ((" " * INDENT + row, ""),)

    def equations(self, lines: Iterable[Line | Sum]) -> Iterator[Spans]:
        """Equations with their first signs of equality one below the other."""
        sides = [(line.sides(self.symbols, self.numbers), together(line.remarks)) for line in lines]
        widest = max((columns(left) for (left, *_), _ in sides), default=0)
        start = INDENT + min(widest, self.width // 3)
        for (left, *others), remark in sides:
            head = " " * max(INDENT, start - columns(left)) + plain(left)
            rows = list(self.equation(head, others, start))
            if remark:
                rows = self.remarked(rows, f"({self.text(remark)})", start + len(EQUALS))
            yield from rows

    def equation(self, head: str, others: list[str], start: int) -> Iterator[Spans]:
        """An equation in one line, or in lines of its own for each sign of equality, and more
        where there is no room."""
        *middle, result = map(plain, others)
        whole = EQUALS.join([head, *middle, ""])
        if columns(whole + result) <= self.width:
            yield ((whole, ""), (result, RESULT))
            return
        if columns(head) > start:
            yield ((head, ""),)
            head = " " * start
        room = self.width - start - len(EQUALS)
        for side in others:
            style = RESULT if side is others[-1] else ""
            (_, first), *more = fill(side, columns, room, room - 2, indent=2)
            yield ((head + EQUALS, ""), (plain(first), style))
            head = " " * start
            for depth, row in more:
                yield ((head + " " * (len(EQUALS) + 2 + 2 * depth) + plain(row), style),)

    def remarked(self, rows: list[Spans], remark: str, indent: int) -> list[Spans]:
        """An equation's lines with a remark behind the last, or below it."""
        last = "".join(text for text, _ in rows[-1])
        if columns(last) + 3 + columns(remark) <= self.width:
            return [*rows[:-1], (*rows[-1], ("   " + remark, QUIET))]
        start = " " * indent
        below = textwrap.wrap(remark, max(20, self.width - indent))
        return [*rows, *(((start + line, QUIET),) for line in below)]
