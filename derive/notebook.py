"""Cells in a notebook: one that is the value of a line shows its picture, its equations and its
quantities."""

from __future__ import annotations

import sys
from typing import Any


def register() -> None:
    """Tell IPython, where it runs, how a cell shows itself. Nothing is imported before one does."""
    shell = sys.modules["IPython"].get_ipython()
    if shell is not None:
        formatter = shell.display_formatter.ipython_display_formatter
        formatter.for_type_by_name("derive.cell", "Cell", show)


def show(cell: Any) -> None:
    """Show a cell: its picture, a table of its quantities, its equations and their adjoints."""
    from IPython.display import SVG, Markdown, display

    from derive.backends.markdown.page import for_notebook
    from derive.display.diagram.draw import scene
    from derive.display.diagram.svg import svg
    from derive.program.program import Program

    display(SVG(svg(scene(cell))))
    display(Markdown(for_notebook(Program(cell))))
