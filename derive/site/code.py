"""Code on a page: a cell as its author wrote it, and any code with its words marked."""

from __future__ import annotations

import ast

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from derive.cell import Cell
from derive.library import FOLDER, load, names
from derive.printing import Infix


def source(cell: Cell) -> str:
    """The class statement of a cell of the library, without its remarks; the equations of one that
    is not in the library, whatever its name."""
    if not _is_the_library_s(cell):
        return "\n".join(f"{e.lhs} = {Infix().written_as(e)(e.rhs)}" for e in cell.equations)
    text = (FOLDER / f"{cell.name}.py").read_text(encoding="utf-8")
    (statement,) = (n for n in ast.parse(text).body if isinstance(n, ast.ClassDef))
    lines = text.splitlines()
    body = lines[statement.body[1].lineno - 1 : statement.end_lineno]
    return "\n".join([lines[statement.lineno - 1], *body])


def _is_the_library_s(cell: Cell) -> bool:
    settings = {setting.name: setting.value for setting in cell.options}
    if cell.name not in names():
        return False
    known = {setting.name for setting in load(cell.name).options}
    return known == set(settings) and load(cell.name, settings).equations == cell.equations


def highlighted(text: str, language: str) -> str:
    """Code as HTML, with classes for its words."""
    lexer = get_lexer_by_name(language)
    return highlight(text, lexer, HtmlFormatter(nowrap=True, classprefix="s-"))
