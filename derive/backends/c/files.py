"""The header and the file of a cell in C99."""

from __future__ import annotations

from derive.backends.c.lines import folded
from derive.backends.c.module import Module
from derive.backends.c.segments import Segments
from derive.program.program import Program
from derive.render import render


def module_of(program: Program) -> Module:
    """What the templates are filled with."""
    return Segments(program) if program.store == "checkpoints" else Module(program)


def files(program: Program) -> dict[str, str]:
    """The names and texts of the header and the file."""
    module = module_of(program)
    return {
        f"{program.cell.name}.{end}": folded(render(f"c/module.{end}.j2", module=module))
        for end in ("h", "c")
    }
