"""A change to a text, and where in Python text it is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """text[start:end] becomes `new`."""

    operator: str
    start: int
    end: int
    new: str

    def apply(self, text: str) -> str:
        """The text, changed."""
        return text[: self.start] + self.new + text[self.end :]

    def lines(self, text: str) -> tuple[str, str]:
        """The lines that change, joined into one, before and after."""
        first = text.rfind("\n", 0, self.start) + 1
        last = text.find("\n", self.end)
        last = len(text) if last < 0 else last
        after = text[first : self.start] + self.new + text[self.end : last]
        return " ".join(text[first:last].split()), " ".join(after.split())


def functions(text: str) -> Mapping[str, tuple[int, int]]:
    """The first and last line of each function, methods with their class's name, and of classes."""
    found: dict[str, tuple[int, int]] = {}

    def look(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                found[prefix + child.name] = (child.lineno, child.end_lineno or child.lineno)
                look(child, f"{prefix}{child.name}.")

    look(ast.parse(text), "")
    return found


def place(found: Mapping[str, tuple[int, int]], line: int) -> str:
    """The innermost function that a line is in; empty outside of all."""
    inside = [name for name, (first, last) in found.items() if first <= line <= last]
    return inside[-1] if inside else ""
