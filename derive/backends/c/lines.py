"""Long lines of C, folded as clang-format does in Google's style.

Templates write each statement on one line, however long. What follows a bracket stands behind it,
what follows a sign below its first operand, and a line holds as much as there is room for.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby

from derive.backends.scalar.lines import brackets, pieces

WIDTH = 100
# Where a line may be broken, what binds least first.
SIGNS = ("; ", ", ", r" \? | : ", r" \|\| ", " && ", " [<>=!]=? ", r" [+-] ", r" [*/] ")
LEFT = re.compile(r"(?:return|[^({]*? [+*/-]?=) ")  # what a formula stands behind
CALL = re.compile(r"\w+\([^()]*(\([^()]*\)[^()]*)*\);")
REMARK = re.compile(r"( +\S.*[;,]) +(/\*.*\*/)")
BLOCK = re.compile(r"(.*\) \{) (.+) \}")
FURTHER = 4


def folded(text: str, width: int = WIDTH) -> str:
    """The text with no line wider than `width`, as far as its signs and brackets allow, and no two
    empty lines one after the other."""
    rows = (row for line in text.split("\n") for row in _fold(line, width))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_aligned(rows)))


def _aligned(rows: Iterable[str]) -> Iterator[str]:
    """Lines, with the comments behind declarations below each other."""
    for is_commented, some in groupby(rows, key=lambda row: bool(REMARK.fullmatch(row))):
        if not is_commented:
            yield from some
            continue
        both = [REMARK.sub(r"\1\0\2", row).split("\0") for row in some]
        column = max(len(code) for code, _ in both)
        yield from (f"{code:{column}} {remark}" for code, remark in both)


def _fold(line: str, width: int) -> list[str]:
    code = line.lstrip(" ")
    column = len(line) - len(code)
    indent = " " * column
    if len(line) <= width or code.startswith(("*", "#", '"', "//")):
        return [line]
    if code.startswith("/*"):
        words = re.sub(r" \*/$", "\0*/", code)  # the end stays with the last word
        rows = textwrap.wrap(words, width, initial_indent=indent, subsequent_indent=f"{indent} * ")
        return [row.replace("\0", " ") for row in rows]
    if block := BLOCK.fullmatch(code):
        head, body = block.groups()
        return [*_fold(indent + head, width), *_fold(f"{indent}  {body}", width), f"{indent}}}"]
    first, *others = _laid(code, column, width)
    return [indent + first, *others]


def _laid(code: str, column: int, width: int) -> list[str]:
    """Code that begins in a column: its first line from there on, and the others with indents."""
    if column + len(code) <= width:
        return [code]
    for sign in SIGNS[:2]:
        if len(parts := pieces(code, sign)) > 1:
            return _filled(parts, column, width)
    if left := LEFT.match(code):
        return _behind(left[0], code[left.end() :], column, width)
    for sign in SIGNS[2:]:
        if len(parts := pieces(code, sign)) > 1:
            return _filled(parts, column, width)
    spans = sorted(brackets(code), key=lambda span: span[0] - span[1])
    if not spans:
        return [code]
    start, _ = spans[0]
    return _behind(code[: start + 1], code[start + 1 :], column, width)


def _behind(left: str, right: str, column: int, width: int) -> list[str]:
    """What stands behind something or, where that is no longer, on lines of its own."""
    rows = _laid(right, column + len(left), width)
    first, *others = _laid(right, column + FURTHER, width)
    apart = [left.rstrip(), " " * (column + FURTHER) + first, *others]
    if column + len(left) + len(rows[0]) > width or any(len(row) > width for row in rows[1:]):
        return apart
    is_formula = left.endswith("= ") and not right.startswith("{") and not CALL.match(right)
    return apart if is_formula and len(apart) <= len(rows) else [left + rows[0], *rows[1:]]


def _filled(parts: list[str], column: int, width: int) -> list[str]:
    """Pieces one after the other, as many on a line as there is room for."""
    rows = [" " * column]
    for part in parts:
        gap = " " if rows[-1].strip() else ""
        if gap and len(rows[-1]) + 1 + len(part) > width:
            rows.append(" " * column)
            gap = ""
        first, *others = _laid(part, len(rows[-1]) + len(gap), width)
        rows[-1] += gap + first
        rows += others
    return [rows[0].lstrip(" "), *rows[1:]]
