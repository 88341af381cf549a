"""A story in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.display.formula import fill, plain
from derive.display.show import Unicode, columns
from derive.display.terminal import console
from derive.display.trace.printers import PutIn, UnicodePutIn, Value
from derive.display.trace.story import Given, Line, Section, Story, Sum, Text

WIDEST = 120
EQUALS, INDENT = " = ", 4


def print_story(story: Story) -> None:
    """Print a story, in lines as wide as the terminal, up to 120 columns."""
    from rich.text import Text as Styled

    out = console(WIDEST)

    def say(text: str, style: str = "") -> None:
        for line in Styled(text, style).wrap(out, out.width, overflow="fold"):
            line.rstrip()
            out.print(line)

    page = Page(story, out.width)
    say(story.title, "bold")
    for note in story.notes:
        say(page.text(note), "dim")
    for section in story.sections:
        for text, style in page.section(section):
            say(text, style)


class Page:
    """A story's sections as styled lines of a width."""

    def __init__(self, story: Story, width: int):
        self.book, self.width = story.book, width
        self.symbols = Unicode(story.book)

    def numbers(self, value: Value) -> PutIn:
        return UnicodePutIn(self.book, value)

    def text(self, text: Text) -> str:
        return "".join(p if isinstance(p, str) else plain(self.symbols(p)) for p in text)

    def section(self, section: Section) -> Iterator[tuple[str, str]]:
        """The lines of a section, each with its style."""
        if section.heading:
            indent = "  " * (section.level - 1)
            yield "" , ""
            yield indent + self.text(section.heading), "bold" if section.level == 1 else "italic"
        if section.note:
            yield self.text(section.note), "dim"
        if section.given:
            for line in self.given(section.given):
                yield line, ""
        for text in self.equations(section.lines):
            yield text

    def given(self, given: Given) -> Iterator[str]:
        """Values side by side, as many as there is room for."""
        line = ""
        for quantity, array in given.quantities:
            put_in = self.numbers(lambda _, array=array: array)
            text = f"{self.symbols.symbol(quantity)} = {put_in.array(array)}"
            if line and columns(line) + 3 + columns(text) > self.width:
                yield line
                line = ""
            line = f"{line},  {text}" if line else " " * INDENT + text
        if line:
            yield line

    def equations(self, lines: Iterable[Line | Sum]) -> Iterator[tuple[str, str]]:
        """Equations with their first signs of equality one below the other."""
        sides = [(line.sides(self.symbols, self.numbers), line.remark) for line in lines]
        widest = max((columns(left) for (left, *_), _ in sides), default=0)
        start = min(widest, self.width // 3)
        for (left, *others), remark in sides:
            indent = " " * (INDENT + max(0, start - columns(left)))
            said = f"   ({self.text(remark)})" if remark else ""
            whole = indent + EQUALS.join(map(plain, (left, *others))) + said
            if columns(whole) <= self.width:
                yield whole, ""
            else:
                yield from self.broken(indent + plain(left), others, INDENT + start, said)

    def broken(
        self, left: str, others: list[str], start: int, said: str
    ) -> Iterator[tuple[str, str]]:
        """An equation in lines of its own for every sign of equality."""
        if columns(left) > start:
            yield left, ""
            left = " " * start
        room = self.width - start - len(EQUALS)
        for n, side in enumerate(others):
            last = n == len(others) - 1
            (_, first), *more = fill(side, columns, room, room - 2)
            rows = [plain(first), *("  " + "  " * depth + plain(row) for depth, row in more)]
            if last and said and columns(rows[-1] + said) <= room:
                rows[-1] += said
                said = ""
            yield left + EQUALS + rows[0], ""
            left = " " * start
            for row in rows[1:]:
                yield left + " " * len(EQUALS) + row, ""
        if said:
            yield left + said, ""
