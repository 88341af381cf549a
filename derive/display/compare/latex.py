"""A difference as LaTeX: changed terms are coloured and underlined, so that they show in print."""

from __future__ import annotations

from collections.abc import Iterator

from derive.cell import Cell
from derive.display.about import inputs, settings
from derive.display.compare.difference import Difference, difference
from derive.display.compare.marks import Version, versions
from derive.display.compare.renamed import called
from derive.display.formula import plain
from derive.display.latex.lines import align
from derive.display.latex.printer import Latex
from derive.display.latex.text import escape
from derive.display.latex.width import em
from derive.render import render

WIDTH = 33.0  # of an equation, in em, with room for its sign
TOTAL = r"\textstyle \sum_t "
COLORS = {"": "", "-": "red!70!black", "+": "green!45!black"}


def fragment(old: Cell, new: Cell) -> str:
    """The equations of both cells, aligned, for a document with amsmath and xcolor."""
    return render("latex/diff.tex.j2", given=inputs(new), **_aligned(difference(old, new)))


def document(old: Cell, new: Cell) -> str:
    """The same as a document that compiles."""
    found = difference(old, new)
    titles = [escape(cell.title + settings(cell)) for cell in (old, new)]
    renamed = [(escape(one), escape(two)) for one, two in found.renamed.items()]
    facts = {"old": titles[0], "new": titles[1], "renamed": renamed, "same": found.same}
    return render("latex/diff_document.tex.j2", **facts, **_aligned(found))


def _aligned(found: Difference) -> dict[str, str]:
    """Each section as an align* environment; "" for one that is empty."""
    printers = Latex(called(found.old, found.renamed)), Latex(found.new)
    made = {}
    for section, changes in found.sections.items():
        total = TOTAL if section == "parameters" else ""
        rows = [row for version in versions(changes, printers) for row in _rows(version, total)]
        made[section] = align(rows) if rows else ""
    return made


def _rows(version: Version[Latex], total: str) -> Iterator[tuple[str, str]]:
    """An equation as lines, with its sign in front of the first."""
    color = COLORS[version.sign]
    sign = colored(rf"\boldsymbol{{{version.sign}}}", color) + r" \enspace " if color else ""
    left = version.printer.symbol(version.equation.lhs)
    lines = version.lines(total, em, WIDTH - em(left) - 2.5)
    for number, (depth, pieces) in enumerate(lines):
        start = r"\qquad " + r"\quad " * depth + "{}" if number else "= "
        texts = (underlined(text, color) if changed else text for text, changed in pieces)
        yield "" if number else sign + left, start + "".join(texts)


def underlined(text: str, color: str) -> str:
    """A changed part of a formula."""
    inner = plain(text).strip()
    return colored(rf"\underline{{{inner}}}", color) if inner else text


def colored(text: str, color: str) -> str:
    return rf"\textcolor{{{color}}}{{{text}}}"
