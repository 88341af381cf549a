"""Long lines of Python, folded: for every target that is Python.

Templates write each statement on one line, however long. What does not fit is folded here, by its
brackets and signs alone; nothing else about the text matters, or is known.
"""

from __future__ import annotations

import re
import textwrap

WIDTH = 100
SIGNS = (("+", "-"), ("*", "/", "@"))  # where a formula may be broken, the outermost first


def folded(text: str) -> str:
    """The text with no line longer than `WIDTH`, as far as brackets allow."""
    return "\n".join(row for line in text.split("\n") for row in _fold(line))


def _fold(line: str) -> list[str]:
    if len(line) <= WIDTH:
        return [line]
    code = line.lstrip(" ")
    indent = " " * (len(line) - len(code))
    if "  # " in code:  # a remark behind what is too long goes above it
        code, _, remark = code.rpartition("  # ")
        return [*_fold(f"{indent}# {remark}"), *_fold(indent + code)]
    room = WIDTH - len(indent)
    statement, _, remark = code.partition("  # ")
    if remark and not {'"', "'"} & set(code):
        return [*_fold(f"{indent}# {remark}"), *_fold(indent + statement)]
    if code.startswith("#"):
        rows = textwrap.wrap(code, room, subsequent_indent="#     ", break_long_words=False)
    elif code.startswith("for ") and len(names := code[4:].rpartition(" in ")[0]) > room // 2:
        rows = ["for (", *_filled(names, room), f") in {code.rpartition(' in ')[2]}"]
    else:
        rows = _statement(code, room)
    return [indent + row for row in rows]


def _statement(code: str, room: int) -> list[str]:
    """An assignment, or an expression by itself."""
    at = _assignment(code)
    left, right = code[:at], code[at:]
    if at and len(left) > room // 2 and len(_split(left, ",")) > 1:
        sign = left[len(left.rstrip(" =")) :]
        head = ["(", *_filled(left.removesuffix(sign), room)]
        if len(f"){sign}{right}") <= room:
            return [*head, f"){sign}{right}"]
        if len(_split(right, ",")) > 1:
            return [*head, f"){sign}(", *_filled(right, room), ")"]
        return [*head, *_opened(f"){sign}{right}", room)]
    if at and len(_split(right, ",")) > 1:
        return [f"{left}(", *_filled(right, room), ")"]
    is_formula = any(len(_cut(right, signs)) > 1 for signs in SIGNS)
    if is_formula or (at and right[-1] not in ")]}"):
        return [f"{left}(", *(f"    {row}" for row in _formula(right, room - 4)), ")"]
    return _opened(code, room)


def _assignment(code: str) -> int:
    """Where the right-hand side of an assignment begins; 0 where there is none."""
    ends = [at + 3 for at in _outside(code) if code[at : at + 3] == " = "]
    ends += [at + 4 for at in _outside(code) if code[at : at + 4] == " += "]
    return max(ends, default=0)


def _opened(code: str, room: int) -> list[str]:
    """The last bracket's inside on lines of its own; the longest one's, if that leaves too much."""
    groups = _groups(code)
    if not groups:
        return [code]
    start, close = groups[-1]
    if start >= room:
        start, close = max(groups, key=lambda group: group[1] - group[0])
    inside, after = code[start + 1 : close], code[close:]
    items = _split(inside, ",")
    if len(items) == 1:
        rows = [f"    {row}" for row in _formula(inside, room - 4)]
    else:
        rows = _filled(inside, room)
    return [code[: start + 1], *rows, after]


def _filled(items: str, room: int) -> list[str]:
    """A list, as many items on a line as there is room for."""
    rows = [""]
    for item in (f"{item.strip()}," for item in _split(items, ",") if item.strip()):
        if rows[-1] and len(rows[-1]) + 1 + len(item) > room - 4:
            rows.append("")
        rows[-1] += f"{' ' if rows[-1] else ''}{item}"
    is_tuple = len(_split(items, ",")) == 2 and items.endswith(",")  # of one, by its comma
    if len(rows) == 1 and len(rows[0]) - 1 <= room - 4 and not is_tuple:
        rows = [rows[0].removesuffix(",")]
    return [f"    {part}" for row in rows for part in _formula(row, room - 4)]


def _formula(text: str, room: int) -> list[str]:
    """A formula, broken before its outermost signs, else within its last brackets."""
    if len(text) <= room:
        return [text]
    for signs in SIGNS:
        rows = _cut(text, signs)
        if len(rows) > 1:
            return [part for row in rows for part in _formula(row, room)]
    return _opened(text, room) if ")" in text or "]" in text else [text]


def _cut(text: str, signs: tuple[str, ...]) -> list[str]:
    """The text in pieces, each but the first beginning with one of the signs outside brackets."""
    ends = [at for at in _outside(text) if at and text[at : at + 3] in {f" {s} " for s in signs}]
    starts = [0, *(at + 1 for at in ends)]
    return [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True)]


def _split(text: str, sign: str) -> list[str]:
    """The text between signs outside brackets."""
    ends = [at for at in _outside(text) if text[at] == sign]
    return [text[a:b] for a, b in zip([0, *(e + 1 for e in ends)], [*ends, len(text)], strict=True)]


def _groups(text: str) -> list[tuple[int, int]]:
    """Where the outermost brackets open and close; one that closes alone is none."""
    opened: list[int] = []
    found: list[tuple[int, int]] = []
    for at, character in enumerate(text):
        if character in "([{":
            opened.append(at)
        elif character in ")]}" and opened:
            start = opened.pop()
            found += [] if opened else [(start, at)]
    return found


def _outside(text: str) -> list[int]:
    """The places outside all brackets."""
    depth, found = 0, []
    for at, character in enumerate(text):
        depth -= character in ")]}"
        if depth == 0:
            found.append(at)
        depth += character in "([{"
    return found


def in_docstring(text: str) -> str:
    """A person's text as it may stand between triple quotes."""
    printable = "".join(c for c in text if c.isprintable() or c == "\n")
    return re.sub(r'"(?="")|"$', "'", printable.replace("\\", "\\\\").replace('""', "''"))
