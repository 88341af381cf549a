"""The Jacobian of a step as LaTeX, as a fragment and as a document that compiles."""

from __future__ import annotations

from derive.adjoint import adjoint
from derive.cell import Cell
from derive.display.about import settings
from derive.display.derivation import textbook
from derive.display.formula import plain
from derive.display.jacobian.blocks import Blocks, SumsLast
from derive.display.latex.lines import align, broken, extent, rows
from derive.display.latex.printer import Latex, listed
from derive.display.latex.text import escape
from derive.jacobian import jacobian, rail
from derive.nodes import Quantity
from derive.printing import PRODUCT
from derive.render import render


class LatexFactors(SumsLast, Latex):
    """LaTeX, in the order in which a Jacobian is read."""


class LatexBlocks(Blocks):
    diag, identity, ones, apart = r"\operatorname{diag}", r"\mathbf{I}", r"\mathbf{1}", r" \, "
    kronecker = r"\otimes"
    number = PRODUCT  # a fraction is stacked, and needs no bracket

    def partial(self, of: Quantity, by: Quantity) -> str:
        symbol = self.printer.symbol
        return rf"\frac{{\partial {symbol(of)}}}{{\partial {symbol(by)}}}"

    def transposed(self, vector: str) -> str:
        return vector + r"^{\top}"


def fragment(cell: Cell) -> str:
    """The blocks of a cell's Jacobian, for a document with amsmath."""
    return render("latex/jacobian.tex.j2", **_parts(cell))


def document(cell: Cell) -> str:
    """The same with the cell's equations, as a document that compiles."""
    title = escape(cell.title + settings(cell))
    return render("latex/jacobian_document.tex.j2", title=title, **_parts(cell))


def _parts(cell: Cell) -> dict[str, object]:
    derived = adjoint(cell)
    book = textbook(derived)
    printer = LatexFactors(book)
    writer = LatexBlocks(printer, derived, book)
    blocks = broken([writer.sides(block) for block in jacobian(derived)])
    forward = rows(Latex(book), book.forward)
    factors = {s: rail(derived, s) for s in cell.states}
    return {
        "forward": align(forward),
        "blocks": align(blocks),
        "rails": [
            (printer.symbol(s), plain(writer.entries(factor)))
            for s, factor in factors.items()
            if factor != 0
        ],
        "states": listed(map(printer.symbol, cell.states)),
        "text_width": round(10 * max(44, extent(forward), extent(blocks))),
    }
