"""The index of all pages: cells by family, each with its paper, states and gates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from derive.backends.markdown.page import escaped
from derive.cell import Cell
from derive.display.about import paper, paragraphs
from derive.display.tables import by_family, short
from derive.render import render


def overview(cells: Sequence[Cell]) -> dict[str, str]:
    """The index, which GitHub shows with the folder."""
    families = [
        (escaped(family), [_row(cell) for cell in members])
        for family, members in groupby(by_family(cells), key=lambda cell: cell.family)
    ]
    return {"README.md": render("markdown/index.md.j2", families=families)}


def _row(cell: Cell) -> dict[str, str]:
    return {
        "name": cell.name,
        "about": escaped(paragraphs(cell.doc)[0].rstrip(".")),
        "paper": escaped(short(paper(cell.doc))),
        "states": ", ".join(f"`{state}`" for state in cell.states),
        "gates": ", ".join(f"`{gate}`" for gate in cell.gates),
    }
