"""A difference as LaTeX: changed terms are coloured and underlined, so that they show in print."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from derive.cell import Cell, Equation
from derive.display.compare.difference import Difference, difference
from derive.display.compare.marks import END, START, marked, unmarked
from derive.display.formula import fill, plain
from derive.display.latex.lines import Rows, align
from derive.display.latex.text import escape
from derive.display.latex.width import em
from derive.display.latex.words import Latex
from derive.render import render

WIDTH = 33.0  # of an equation, in em, with room for its sign
TOTAL = r"\textstyle \sum_t "
OLD, NEW = "red!70!black", "green!45!black"


def fragment(old: Cell, new: Cell) -> str:
    """The equations of both cells, aligned, for a document with amsmath and xcolor."""
    return render("latex/diff.tex.j2", **_aligned(difference(old, new)))


def document(old: Cell, new: Cell) -> str:
    """The same as a document that compiles."""
    found = difference(old, new)
    titles = [escape(cell.title + _settings(cell)) for cell in (old, new)]
    renamed = [(escape(one), escape(two)) for one, two in found.renamed.items()]
    facts = {"old": titles[0], "new": titles[1], "renamed": renamed, "same": found.same}
    return render("latex/diff_document.tex.j2", **facts, **_aligned(found))


def _settings(cell: Cell) -> str:
    changed = [str(s) for s in cell.options if s.value != s.default]
    return f" ({', '.join(changed)})" if changed else ""


def _aligned(found: Difference) -> dict[str, str]:
    """Each section as an align* environment; "" for one that is empty."""
    words = Latex(found.old), Latex(found.new)
    made = {}
    for section, changes in found.sections.items():
        total = TOTAL if section == "parameters" else ""
        lines: Rows = []
        for change in changes:
            if change.same and change.new:
                lines += _rows("", change.new, (), words[1], total, "")
                continue
            if change.old:
                lines += _rows("-", change.old, change.removed, words[0], total, OLD)
            if change.new:
                lines += _rows("+", change.new, change.added, words[1], total, NEW)
        made[section] = align(lines) if lines else ""
    return made


def _rows(
    sign: str,
    equation: Equation,
    changed: tuple[sp.Expr, ...],
    words: Latex,
    total: str,
    color: str,
) -> Rows:
    """An equation as lines, with its sign in front of the first."""
    left = words.symbol(equation.lhs)
    room = WIDTH - em(left) - 2.5
    right = marked(words, equation, changed, total)
    (_, first), *others = fill(right, lambda text: em(unmarked(text)), room, room - 2)
    front = rf"\textcolor{{{color}}}{{\boldsymbol{{{sign}}}}} \enspace " if sign else ""
    texts = ["= " + first, *(r"\qquad " + r"\quad " * d + "{}" + line for d, line in others)]
    lines, inside = [], False
    for text in texts:
        shown, inside = _colored(text, inside, color)
        lines.append(shown)
    return [(front + left, lines[0]), *(("", line) for line in lines[1:])]


def _colored(text: str, inside: bool, color: str) -> tuple[str, bool]:
    """A line whose marked parts are coloured and underlined; whether the last is still open."""
    made = ""
    for piece in _pieces(text):
        if piece[:1] in (START, END):
            inside = piece[0] == START
        body = unmarked(piece)
        if inside and body.strip():
            body = rf"\textcolor{{{color}}}{{\underline{{{plain(body).strip()}}}}}"
        made += body
    return made, inside


def _pieces(text: str) -> Iterable[str]:
    """The text, cut in front of every mark."""
    return text.replace(END, f"\0{END}").replace(START, f"\0{START}").split("\0")
