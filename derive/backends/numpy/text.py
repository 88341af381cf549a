"""Lines of Python as a formatter would leave them, and lengths and shapes as Python writes them."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from derive.nodes import Axes, Axis

WIDTH = 100


def wrap(before: str, items: Sequence[str], after: str, indent: int = 4) -> list[str]:
    """``before item, item after`` on one line where it fits, else with the brackets opened."""
    inner = ", ".join(items)
    if indent + len(before) + len(inner) + len(after) <= WIDTH:
        return [before + inner + after]
    if indent + 4 + len(inner) <= WIDTH and after != "}":
        return [before, f"    {inner}", after]
    return [before, *(f"    {item}," for item in items), after]


def unpack(names: Sequence[str], value: str, before: str = "", after: str = "") -> list[str]:
    """``name, name = value``, with brackets only where it takes them: for one name, or for too many
    for a line."""
    line = f"{before}{', '.join(names)}{after or ' = '}{value}"
    if len(names) == 1:
        return [f"{before}({names[0]},){after or ' = '}{value}"]
    if len(line) + 4 <= WIDTH:
        return [line]
    return [f"{before}(", *(f"    {name}," for name in names), f"){after or ' = '}{value}"]


def broken(line: str, indent: int) -> list[str]:
    """A line that may be too long at this indent: a comment goes on, an assignment's sum gets
    brackets."""
    if indent + len(line) <= WIDTH:
        return [line]
    if line.startswith("#"):
        return textwrap.wrap(
            line, WIDTH - indent, subsequent_indent="#     ", break_long_words=False
        )
    left, sign, right = re.split(r"( \+?= )", line, maxsplit=1)
    if opens_and_closes(right):
        return opened(line, WIDTH - indent)
    return [f"{left}{sign}(", *(f"    {row}" for row in at_signs(right, WIDTH - indent - 4)), ")"]


def at_signs(text: str, width: int) -> list[str]:
    """A formula that may be too long, broken as a formatter does: before the outermost signs, else
    within its last brackets."""
    if len(text) <= width:
        return [text]
    for signs in (("+", "-"), ("*", "/", "@")):
        rows = split_before(text, signs)
        if len(rows) > 1:
            return [part for row in rows for part in at_signs(row, width)]
    return opened(text, width)


def split_before(text: str, signs: tuple[str, ...]) -> list[str]:
    """The text in pieces, each but the first beginning with one of the signs outside brackets."""
    depth, start, rows = 0, 0, []
    for k, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        sign = text[k + 1 : k + 2] in signs and text[k : k + 3] == f" {text[k + 1 : k + 2]} "
        if depth == 0 and sign and k > 1:
            rows.append(text[start:k])
            start = k + 1
    return [*rows, text[start:]]


def opens_and_closes(text: str) -> bool:
    """Whether the text is one call, ``name(…)``."""
    return len(split_before(text, ("+", "-", "*", "/", "@"))) == 1 and text.endswith(")")


def opened(text: str, width: int) -> list[str]:
    """The last bracketed part of a text on lines of its own."""
    depth, close = 0, text.rfind(")")
    if close < 0:
        return [text]
    for k in range(close, -1, -1):
        depth += (text[k] == ")") - (text[k] == "(")
        if depth == 0:
            break
    formula, axis, number = text[k + 1 : close].rpartition(", axis=(0, 1)")
    if axis and not number:
        *rows, last = at_signs(formula, width - 5)
        inner = [*rows, f"{last},", f"{axis[2:]},"]
    else:
        inner = at_signs(text[k + 1 : close], width - 4)
    return [text[: k + 1], *(f"    {row}" for row in inner), text[close:]]


def length(axes: Iterable[Axis]) -> str:
    """The length of quantities side by side: ``4 * H``, ``2 * H + P``."""
    counts = Counter(axis.letter for axis in axes)
    return " + ".join(letter if n == 1 else f"{n} * {letter}" for letter, n in counts.items())


def tuple_of(parts: Sequence[str]) -> str:
    """A tuple as Python writes it."""
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def shape_of(leading: Sequence[str], axes: Axes) -> str:
    """The shape of an array: leading lengths such as T and B, then the quantity's own, 1 for a
    scalar."""
    return tuple_of([*leading, *(map(str, axes) if axes else ["1"])])


def size_lines(axes: Iterable[Axis], blocks: Iterable[Iterable[str]]) -> list[str]:
    """Names for the sizes that occur in the lines."""
    used = {
        word for lines in blocks for line in lines for word in re.findall(r"\b[A-Z]\w*\b", line)
    }
    return [f"{a.letter} = params.{a.argument}" for a in axes if a.letter in used]
