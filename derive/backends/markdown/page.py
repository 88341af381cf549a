"""The values for the page's template."""

from __future__ import annotations

import re
from typing import Any

from derive.cell import Cell
from derive.cost import predicted
from derive.display.about import inputs, paragraphs, shape, starts
from derive.display.latex import aligned_parts
from derive.library import is_built_in
from derive.program.program import Program
from derive.render import render


def files(program: Program) -> dict[str, str]:
    """The page's file name and text."""
    return {f"{program.cell.name}.md": render("markdown/cell.md.j2", **values(program))}


def for_notebook(program: Program) -> str:
    """The same in short, for a notebook: quantities, equations and adjoints."""
    return render("markdown/notebook.md.j2", **values(program))


def values(program: Program) -> dict[str, Any]:
    """What a page says of a cell."""
    cell, is_own = program.cell, is_built_in(program.cell)
    return {
        "title": escaped(cell.title),
        "about": [escaped(paragraph) for paragraph in paragraphs(cell.doc)],
        "name": cell.name,
        "called": cell.name if is_own else f"{cell.name}.py",
        "is_built_in": is_own,
        "given": inputs(cell),
        "family": escaped(cell.family),
        "facts": [
            (label, ", ".join(f"`{item}`" for item in items)) for label, items in facts(cell)
        ],
        "options": [(s.name, s.value, " or ".join(s.choices) or "a number") for s in cell.options],
        "parameters": [(p.name, shape(p.axes), starts(cell, p)) for p in cell.parameters],
        "parameter_count": predicted.text(predicted.parameters(program)),
        "costs": predicted.summary(program),
        **aligned_parts(program.derivation),
    }


def facts(cell: Cell) -> list[tuple[str, list[str]]]:
    """The names of a cell's quantities by what they are."""
    found = [
        (inputs(cell), [f"{q} ({shape(q.axes)})" for q in cell.inputs]),
        ("states", [f"{state} ({shape(state.axes)})" for state in cell.states]),
        ("gates", [str(gate) for gate in cell.gates]),
        ("output", [str(cell.output)]),
    ]
    return [(label, items) for label, items in found if items]


def escaped(text: str) -> str:
    """Text in which nothing is Markdown's or HTML's."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]$|#~])", r"\\\1", text)
