"""LaTeX: a cell's equations and their adjoints, as a fragment and as a document that compiles.

The fragment needs amsmath and nothing else. Its lines are broken to fit the text width of LaTeX's
plainest document, an article at 10 points.
"""

from __future__ import annotations

import inspect
import re

import sympy as sp

from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell
from derive.display.about import inputs
from derive.display.derivation import Textbook, textbook
from derive.display.families import in_families
from derive.display.latex.lines import WIDTH, Rows, align, extent, rows
from derive.display.latex.printer import REMARKS, Latex, count, listed, shape, word
from derive.display.latex.text import escape
from derive.display.latex.width import em
from derive.nodes import Quantity
from derive.render import render


def fragment(cell: Cell) -> str:
    """The equations of a cell and their adjoints, for a document of one's own."""
    return latex_block(adjoint(cell))


def latex_block(adjoint: Adjoint) -> str:
    """The same, where the derivation has been made already."""
    return _block(textbook(adjoint))


def short_block(adjoint: Adjoint) -> str:
    """The same, where equations of one form are written once."""
    return _block(in_families(textbook(adjoint)))


def _block(book: Textbook) -> str:
    groups = _aligned(_groups(book, Latex(book)))
    return render("latex/fragment.tex.j2", given=inputs(book.cell), **groups)


def aligned_parts(adjoint: Adjoint) -> dict[str, str]:
    """The equations, their adjoints, what is handed back and what is gathered: an `aligned`
    environment each."""
    book = textbook(adjoint)
    groups = _aligned(_groups(book, Latex(book)))
    groups["gathered"] = groups.pop("parameters")
    return {name: text.replace("{align*}", "{aligned}") for name, text in groups.items()}


def document(cell: Cell) -> str:
    """A document that compiles: the equations, their adjoints, the notation and the shapes."""
    book = textbook(adjoint(cell))
    latex = Latex(book)
    groups = _groups(book, latex)
    symbols = {q: latex.symbol(q) for q in cell.quantities}
    kinds = dict.fromkeys(cell.inputs, "input") | dict.fromkeys(cell.states, "state")
    kinds |= {cell.number: "number of the step"} if cell.number else {}
    kinds |= {q: _starts(cell, q, latex) for q in cell.parameters}
    width = max(4.0, *(em(symbols[q]) for q in kinds))
    parts = {part: [n for n in book.names.values() if n.part == part] for part in ("loss", "next")}
    return render(
        "latex/document.tex.j2",
        **_aligned(groups),
        title=escape(cell.title),
        about=[escape(part) for part in re.split(r"\n\s*\n", inspect.cleandoc(cell.doc)) if part],
        given=inputs(cell),
        inputs=listed(symbols[q] for q in cell.inputs),
        old=listed(symbols[q] for q in cell.states),
        new=listed(symbols[q] for q in cell.updates.values()),
        output=symbols[cell.output],
        many=len(cell.states) > 1,
        scalars=listed(map(latex.symbol, book.scalars)),
        functions=listed({REMARKS[name]: 0 for name in REMARKS if name in book.functions}),
        loss=listed(map(latex.named, parts["loss"])),
        carry=listed(map(latex.named, parts["next"])),
        sizes=[(word(axis.letter), escape(axis.argument)) for axis in cell.axes],
        table=[(symbols[q], escape(q.name), shape(q.axes), kind) for q, kind in kinds.items()],
        count=count(cell.parameters),
        symbol_width=round(10 * width),
        text_width=round(10 * max(WIDTH + 10, width + 40, *map(extent, groups.values()))),
    )


def _starts(cell: Cell, parameter: Quantity, latex: Latex) -> str:
    """The entry of a parameter in the table of symbols."""
    if parameter.name in cell.untrained:
        return "parameter, not trained"
    if parameter.name not in cell.initial:
        return "parameter"
    start = latex(sp.Float(cell.initial[parameter.name]))
    return f"parameter, at first ${start}$"


def _groups(book: Textbook, latex: Latex) -> dict[str, Rows]:
    return {
        "forward": rows(latex, book.forward),
        "adjoints": rows(latex, book.adjoints),
        "back": rows(latex, (*book.back, *book.inputs)),
        "parameters": rows(latex, book.parameters, r"\textstyle \sum_t "),
    }


def _aligned(groups: dict[str, Rows]) -> dict[str, str]:
    """Each group as an align* environment; "" for one that is empty."""
    return {name: align(lines) if lines else "" for name, lines in groups.items()}
