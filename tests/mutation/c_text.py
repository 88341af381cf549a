"""Changes to what templates of C say between their gaps, line by line.

Comments and gaps that decide are covered with space, gaps that print with names of the same length;
what is left is C, in which single words are changed, lines left out, neighbouring arguments
exchanged. What does not compile then is no mutant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from mutation.edit import Edit
from mutation.jinja import CLOSING, OPENING, Gap
from mutation.target import harmless

COMMENT = re.compile(r"/\*.*?\*/|#error[^\n]*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
# One name for another that stands for something of the same kind.
SIBLINGS = {
    "SET": "ADD", "ADD": "SET", "T": "B", "B": "T", "rows": "columns", "columns": "rows",
    "x_row": "x_step", "x_step": "x_row", "row_step": "column_step", "column_step": "row_step",
    "smaller": "larger", "larger": "smaller", "TILE_ROWS": "TILE_COLUMNS", "width": "depth",
    "TILE_COLUMNS": "TILE_ROWS", "depth": "width", "first": "last", "last": "first",
    "from": "to", "behind": "block", "part": "parts", "break": "continue", "left": "right",
    "right": "left", "steps": "sequences", "sequences": "steps", "before": "after",
    "LOG2_HIGH": "LOG2_LOW", "LOG2_LOW": "LOG2_HIGH", "memset": "memcpy",
}  # fmt: skip
# Words, and what they become.
WORDS = (
    ("+ and -", r" \+ ", " - "),
    ("+ and -", r" - ", " + "),
    ("+ and -", r" \+= ", " -= "),
    ("+ and -", r"(?<=[\s(,])-(?=[\w(])", ""),
    ("forget to add", r" \+= ", " = "),
    ("other operation", r" \* ", " + "),
    ("other operation", r" / ", " * "),
    ("other operation", r" % ", " / "),
    ("other operation", r" << ", " >> "),
    ("comparison", r" < ", " <= "),
    ("comparison", r" <= ", " < "),
    ("comparison", r" > ", " >= "),
    ("comparison", r" >= ", " > "),
    ("comparison", r" == ", " != "),
    ("comparison", r" != ", " == "),
    ("and/or", r" && ", " || "),
    ("and/or", r" \|\| ", " && "),
    ("negate condition", r"!(?=[\w(])", ""),
    ("swap operands", r"\? ([^?:;]+?) : ([^?:;]+?)(?=[;)])", r"? \2 : \1"),
    ("number", r"(?<![\w.\-+#])(\d+)(?![\w.])", lambda m: str(int(m[1]) + 1)),
    ("number", r"(?<![\w.])(\d+)(?=\.0\b|\.\d+[);]|\.9)", lambda m: str(int(m[1]) + 1)),
    ("other name", rf"\b(?:{'|'.join(SIBLINGS)})\b", lambda m: SIBLINGS[m[0]]),
)  # fmt: skip
HEAD = re.compile(r"(?:if|while) \((.*)\)(?= \{)|#(?:el)?if (.*)")
DEFINES = re.compile(r"static |void |size_t \w|const char |_x+")


def all_edits(text: str, inside: list[Gap]) -> Iterator[Edit]:
    """Every change to a template between its gaps, but for its prose."""
    spans = [(gap.start, gap.end) for gap in inside]
    code = covered(text, inside)
    for match in re.finditer(r"\S.*", code):
        end = match.start() + len(match[0].rstrip())
        for edit in line_edits(text[match.start() : end], code[match.start() : end]):
            moved = Edit(
                edit.operator, match.start() + edit.start, match.start() + edit.end, edit.new
            )
            if all(harmless(moved, *span) for span in spans):
                yield moved


def covered(text: str, inside: Iterable[Gap]) -> str:
    """A template as C of the same length."""
    code = list(text)
    for gap in inside:
        length, prints = gap.end - gap.start, gap.kind == "variable"
        name = "_" + "x" * (length - 1) if prints else " " * length
        old = text[gap.start : gap.end]
        code[gap.start : gap.end] = [
            "\n" if was == "\n" else new for was, new in zip(old, name, strict=True)
        ]  # fmt: skip
    for match in COMMENT.finditer("".join(code)):
        code[match.start() : match.end()] = [c if c == "\n" else " " for c in match[0]]
    for match in STRING.finditer("".join(code)):
        code[match.start() : match.end()] = ["0" if c != "\n" else c for c in match[0]]
    return "".join(code)


def line_edits(line: str, code: str) -> Iterator[Edit]:
    """Changes to a line."""
    if code.startswith(("#include", "typedef")):
        return
    head = DEFINES.match(code)
    if head and code.endswith("{"):
        return  # other names of arguments, and other orders of them
    if code.endswith(";") or re.fullmatch(r"OMP\(.*\)|EACH|SUM_OF\(.*\)", code):
        yield Edit("drop line", 0, len(code), "")
    for match in HEAD.finditer(code):
        k = 1 if match[1] else 2
        start, end = match.span(k)
        yield Edit("negate condition", start, end, f"!({line[start:end]})")
        if k == 1:
            yield Edit("drop block", start, end, "0")
    for operator, pattern, new in WORDS:
        for match in re.finditer(pattern, code):
            # what a gap prints stands in the line, and not in what is read
            after = new(match) if callable(new) else rewritten(match, new, line)
            yield Edit(operator, match.start(), match.end(), after)
    yield from exchanged(line, code)


def rewritten(match: re.Match, new: str, line: str) -> str:
    """What a pattern makes of a match, in the words of the line."""
    return re.sub(r"\\(\d)", lambda m: line[slice(*match.span(int(m[1])))], new)


def exchanged(line: str, code: str) -> Iterator[Edit]:
    """Neighbouring arguments of a call exchanged."""
    for first, second in arguments(code):
        left, right = line[slice(*first)], line[slice(*second)]
        if left.strip() != right.strip():
            between = line[first[1] : second[0]]
            yield Edit("swap operands", first[0], second[1], f"{right}{between}{left}")


def arguments(code: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where neighbouring arguments stand."""
    stack: list[list[int]] = []  # for each open bracket, where its arguments begin
    for k, letter in enumerate(code):
        if letter in OPENING:
            stack.append([k + 1])
        elif letter in CLOSING and stack:
            *starts, last = [*stack.pop(), k + 1]
            bounds = [*starts, last]
            spans = [(a + len(code[a:b - 1]) - len(code[a:b - 1].lstrip()), b - 1)
                     for a, b in pairwise(bounds)]  # fmt: skip
            yield from pairwise(spans)
        elif letter == "," and stack:
            stack[-1].append(k + 1)
