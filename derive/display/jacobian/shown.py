"""The Jacobian of a step in the terminal."""

from __future__ import annotations

from derive.adjoint import adjoint
from derive.cell import Cell
from derive.display.about import settings
from derive.display.derivation import textbook
from derive.display.jacobian.blocks import Blocks, SumsLast
from derive.display.terminal import console
from derive.display.unicode import Unicode, aligned
from derive.jacobian import jacobian
from derive.nodes import Quantity


class UnicodeFactors(SumsLast, Unicode):
    """Unicode, in the order in which a Jacobian is read."""


class UnicodeBlocks(Blocks):
    def partial(self, of: Quantity, by: Quantity) -> str:
        return f"∂{self.printer.symbol(of)}/∂{self.printer.symbol(by)}"

    def transposed(self, vector: str) -> str:
        return vector + "ᵀ"


def print_jacobian(cell: Cell) -> None:
    """Print the blocks of a cell's Jacobian."""
    from rich.text import Text

    out, derived = console(), adjoint(cell)
    book = textbook(derived)
    writer = UnicodeBlocks(UnicodeFactors(book), derived, book)
    out.print(Text(f"{cell.title + settings(cell)}: the Jacobian of one step", "bold"))
    for line in aligned([writer.sides(block) for block in jacobian(derived)], out.width - 4):
        out.print("    " + line)
