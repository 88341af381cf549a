"""A story in LaTeX: a fragment that needs amsmath and nothing else, and a document that
compiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp

from derive.display.formula import BEFORE_OPERAND, fill, plain
from derive.display.latex.lines import Rows, align, extent
from derive.display.latex.printer import Latex
from derive.display.latex.text import escape
from derive.display.latex.width import em
from derive.display.trace import page
from derive.display.trace.printers import LatexPutIn
from derive.display.trace.story import Given, Line, Story, Sum
from derive.render import render

TEXT = 44.0  # the width of a text, in em


def fragment(stories: Sequence[Story]) -> str:
    """The stories, for a document of one's own."""
    return render("latex/trace.tex.j2", stories=list(map(Page, stories)))


def document(stories: Sequence[Story]) -> str:
    """A document that compiles."""
    pages = list(map(Page, stories))
    width = max([TEXT, *(page.extent for page in pages)])
    return render("latex/trace_document.tex.j2", stories=pages, text_width=round(10 * width))


class Page(page.Page):
    """A story in LaTeX."""

    printer, put_in = Latex, LatexPutIn

    def words(self, text: str) -> str:
        return spaced(text)

    def formula(self, expr: sp.Expr) -> str:
        return f"${super().formula(expr)}$"

    def given(self, given: Given) -> list[str]:
        """Values, as formulas."""
        sides = given.sides(self.symbols, self.numbers)
        return [f"{left} = {inline(right)}" for left, right in sides]

    def equations(self, lines: Iterable[Line | Sum]) -> str:
        """Equations in an align* environment; "" for none."""
        rows = self.rows(lines)
        return align(rows) if rows else ""

    def rows(self, lines: Iterable[Line | Sum]) -> Rows:
        """Equations as lines that fit the width, where there is anywhere to break them."""
        texts = [(line.sides(self.symbols, self.numbers), line.remarks) for line in lines]
        widest = max((em(left) for (left, *_), _ in texts), default=0)
        room = TEXT - min(widest, TEXT / 3) - 1.5
        rows: Rows = []
        for (left, *others), remarks in texts:
            if widest > TEXT / 3:  # too much to indent all the others by
                rows.append(("", left))
                left = ""
            rows += remarked(equation(left, others, room), list(map(self.text, remarks)), room)
        return rows

    @property
    def extent(self) -> float:
        """The width of the widest lines, in em."""
        groups = (self.rows(section.lines) for section in self.sections)
        given = (text for section in self.sections for text in self.given(section.given))
        return max([*map(extent, groups), *map(em, given)], default=0.0)


def equation(left: str, others: list[str], room: float) -> Rows:
    """An equation as a line, or as several: one for each sign of equality, and more where there
    is no room."""
    whole = " = ".join(map(plain, others))
    if em(whole) <= room:
        return [(left, f"= {whole}")]
    rows: Rows = []
    for side in others:
        (_, first), *more = fill(side, em, room, room - 2)
        rows.append((left, f"= {first}"))
        left = ""
        rows += [("", r"\qquad " + r"\quad " * depth + "{}" + line) for depth, line in more]
    return rows


def remarked(rows: Rows, remarks: list[str], room: float) -> Rows:
    """The lines of an equation with its remarks behind the last of them, or below it."""
    if not remarks:
        return rows
    (left, right), together = rows[-1], said(", ".join(remarks))
    if em(right) + len(together) / 2 <= room:
        return [*rows[:-1], (left, f"{right} {together}")]
    return [*rows, *(("", said(remark)) for remark in remarks)]


def said(remark: str) -> str:
    """A remark as part of a formula."""
    return rf"\quad \text{{({remark})}}"


def inline(formula: str) -> str:
    """A formula in running text, where the rows of a matrix may stand in two lines."""
    return plain(formula.replace(BEFORE_OPERAND, r"\allowbreak"))


def spaced(text: str) -> str:
    """Escaped text that keeps a space at either end."""
    start, end = " " * (text[:1] == " "), " " * (text[-1:] == " " and len(text) > 1)
    return f"{start}{escape(text)}{end}"
