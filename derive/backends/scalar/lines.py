"""Long lines of JavaScript, folded; C has its own layout, made of the same pieces.

Templates write each statement on one line, however long. What does not fit is broken behind its
outermost signs, else its outermost bracket is opened; nothing else about the text matters.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import islice

WIDTH = 100
SIGNS = (r" \+ | - ", r" \* | / ")  # where a formula may be broken, the outermost first


def folded(text: str) -> str:
    """The text with no line longer than `WIDTH`, as far as its signs and brackets allow, and no two
    empty lines one after the other."""
    rows = (row for line in text.split("\n") for row in _fold(line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows))


def _fold(line: str) -> list[str]:
    code = line.lstrip(" ")
    indent = " " * (len(line) - len(code))
    room = WIDTH - len(indent)
    if len(code) <= room or code.startswith(("*", '"')):
        rows = [code]
    elif code.startswith(("//", "/*")):
        hang = "//   " if code.startswith("//") else "   "
        rows = textwrap.wrap(code, room, subsequent_indent=hang, break_long_words=False)
    else:
        rows = _statement(code, room)
    return [indent + row for row in rows]


def _statement(code: str, room: int) -> list[str]:
    """An assignment: a list on its left side, else the formula on its right side."""
    left, *rest = pieces(code, r" \+?= ")
    right = " ".join(rest)
    is_list = "{" in left and len(left) > room // 2
    if not right or right[0] in "{[" or is_list:
        return _opened(code, room)
    rows = _formula(right, room - 2)
    is_call = len(rows) == 3 and rows[0][-1] in "([{"
    return _opened(code, room) if is_call else [left, *(f"  {row}" for row in rows)]


def _formula(text: str, room: int) -> list[str]:
    """A formula, broken behind its outermost signs, else within its longest bracket."""
    if len(text) <= room:
        return [text]
    for signs in SIGNS:
        rows = pieces(text, signs)
        if len(rows) > 1:
            return [part for row in rows for part in _formula(row, room)]
    return _opened(text, room)


def _opened(code: str, room: int) -> list[str]:
    """The longest bracket's inside on lines of its own; of a list in it at its end, that one's."""
    spans = sorted(brackets(code), key=lambda span: span[0] - span[1])
    if not spans:
        return [code]
    start, end = spans[0]
    inside = code[start + 1 : end].strip()
    last = pieces(inside, ", ")[-1]
    if last != inside and last[0] in "{[":
        start, end, inside = end - len(last), end - 1, last[1:-1].strip()
    behind_name = code[:start][-1:].isidentifier()
    is_list = behind_name if code[start] == "(" else not (code[start] == "[" and behind_name)
    rows = _filled(inside, room - 2) if is_list else _formula(inside, room - 2)
    return [code[: start + 1], *(f"  {row}" for row in rows), code[end:]]


def _filled(items: str, room: int) -> list[str]:
    """A list, as many items on a line as there is room for."""
    rows = [""]
    for item in pieces(items, ", "):
        if rows[-1] and len(rows[-1]) + 2 + len(item) > room:
            rows.append("")
        rows[-1] += f"{' ' if rows[-1] else ''}{item.rstrip(', ')},"
    return [part for row in rows for part in _formula(row, room)]


def pieces(text: str, sign: str) -> list[str]:
    """The text in pieces, each but the last ending with a sign outside brackets."""
    outside = set(_outside(text))
    ends = [m.end() for m in re.finditer(sign, text) if m.start() in outside]
    return [text[a:b].rstrip() for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


def _outside(text: str) -> Iterator[int]:
    """The places outside all brackets."""
    depth = 0
    for at, character in enumerate(text):
        depth -= character in ")]}"
        if depth == 0:
            yield at
        depth += character in "([{"


def brackets(text: str) -> Iterator[tuple[int, int]]:
    """The outermost brackets: where they open and close."""
    outside = set(_outside(text))
    for start in (at for at in outside if text[at] in "([{"):
        ends = (at for at in sorted(outside) if at > start and text[at] in ")]}")
        yield from ((start, end) for end in islice(ends, 1))  # that of a block is on another line


def in_comment(text: str) -> str:
    """A person's text as it may stand in a comment."""
    printable = "".join(c for c in text if c.isprintable() or c == "\n")
    return printable.replace("*/", "* /")
