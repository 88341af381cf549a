"""Long lines of JavaScript, folded.

Templates write each statement on one line, however long. What does not fit is broken behind its
outermost signs, else its outermost bracket is opened; nothing else about the text matters.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

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
    if len(code) <= room or code.startswith("*"):
        rows = [code]
    elif code.startswith("//"):
        rows = textwrap.wrap(code, room, subsequent_indent="//   ", break_long_words=False)
    else:
        rows = _statement(code, room)
    return [indent + row for row in rows]


def _statement(code: str, room: int) -> list[str]:
    """An assignment: its left side where that is a list, else its right side."""
    left, sign, right = _cut(code, r" [+]?= ")[0]
    if left.endswith("}") and len(left) > room // 2:
        return _opened(code, room)
    formula = _formula(right, room - 2)
    if sign and (len(formula) > 1 or len(right) <= room - 2):
        return [f"{left}{sign}".rstrip(), *(f"  {row}" for row in formula)]
    return _opened(code, room)


def _formula(text: str, room: int) -> list[str]:
    """A formula, broken behind its outermost signs, else within its first long bracket."""
    if len(text) <= room:
        return [text]
    for signs in SIGNS:
        parts = _cut(text, signs)
        if len(parts) > 1 or parts[0][1]:
            rows = [f"{left}{sign}".rstrip() for left, sign, _ in parts] + [parts[-1][2]]
            return [part for row in rows for part in _formula(row, room)]
    return _opened(text, room)


def _opened(code: str, room: int) -> list[str]:
    """The longest bracket's inside on lines of its own."""
    spans = sorted(_brackets(code), key=lambda span: span[0] - span[1])
    if not spans:
        return [code]
    start, end = spans[0]
    inside = code[start + 1 : end].strip()
    rows = _filled(inside, room - 2) if ", " in inside else _formula(inside, room - 2)
    return [code[: start + 1], *(f"  {row}" for row in rows), code[end:]]


def _filled(items: str, room: int) -> list[str]:
    """A list, as many items on a line as there is room for."""
    parts = _cut(items, ", ")
    rows = [""]
    for item in [f"{left}," for left, _, _ in parts if left] + [parts[-1][2] or parts[-1][0]]:
        if rows[-1] and len(rows[-1]) + 1 + len(item) > room:
            rows.append("")
        rows[-1] += f"{' ' if rows[-1] else ''}{item}"
    return rows


def _cut(text: str, sign: str) -> list[tuple[str, str, str]]:
    """The text at each sign outside brackets: what is left of it, the sign, and what is right."""
    outside = set(_outside(text))
    found = [m for m in re.finditer(sign, text) if m.start() in outside and m.start()]
    cuts = [0, *(m.end() for m in found), len(text)]
    return [
        (text[cuts[n] : m.start()], m[0], text[cuts[n + 1] : cuts[n + 2]])
        for n, m in enumerate(found)
    ] or [("", "", text)]


def _outside(text: str) -> Iterator[int]:
    """The places outside all brackets."""
    depth = 0
    for at, character in enumerate(text):
        depth -= character in ")]}"
        if depth == 0:
            yield at
        depth += character in "([{"


def _brackets(text: str) -> Iterator[tuple[int, int]]:
    """The outermost brackets: where they open and close."""
    outside = set(_outside(text))
    starts = [at for at in outside if text[at] in "([{"]
    for start in starts:
        yield start, next(at for at in sorted(outside) if at > start and text[at] in ")]}")


def in_comment(text: str) -> str:
    """A person's text as it may stand in a comment."""
    printable = "".join(c for c in text if c.isprintable() or c == "\n")
    return printable.replace("*/", "* /")
