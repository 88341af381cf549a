"""Changes to what templates say between their gaps, which is Python, but rarely all of it.

A template that is a part of a module is Python with gaps. To read it as Python, each gap is covered
by a name of the same length, or by a comment where it is a line of its own that says what to
repeat; then every place in the syntax tree is the same place in the template. Of other templates,
macros and what calls them, each line that can be read by itself is; and of the lines that cannot,
and of the strings in gaps, single words are changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mutation.edit import Edit
from mutation.jinja import Gap
from mutation.python import FUNCTIONS, edits

# Words, and what they become. What is left out of a pattern's groups stays.
WORDS = (
    ("+ and -", r" \+ ", " - "),
    ("+ and -", r" - ", " + "),
    ("other operation", r" \* ", " / "),
    ("other operation", r" / ", " * "),
    ("other operation", r" @ ", " * "),
    ("forget to add", r"(?<!\S)\+=(?!\S)", "="),
    ("forget to add", r"^=$", "+="),
    ("+ and -", r"(?<!\S)\+=(?!\S)", "-="),
    ("transpose", r"\.T\b", ""),
    ("drop copy", r"\.copy\(\)", ""),
    ("drop keyword", r", (?:where|axis|keepdims|out)=(?:\([^()]*\)|[\w.-]+)", ""),
    ("other axis", r"axis=-1", "axis=0"),
    ("other axis", r"axis=\(0, 1\)", "axis=0"),
    ("other slice", r"\[:-1\]", "[1:]"),
    ("other slice", r"\[-1\]", "[0]"),
    ("other order", r"\breversed\((.*)\)", r"\1"),
    ("other order", r"^range\(T\)$", "reversed(range(T))"),
    ("other order", r"^_backwards$", "zip"),
    ("other order", r"^zip$", "_backwards"),
    ("true and false", r"\bTrue\b", "False"),
    ("true and false", r"\bNone\b", "0"),
    ("number", r"(?<![\w.-])(\d+)(?![\w.])", lambda m: str(int(m[1]) + 1)),
    ("other function", rf"(?:{'|'.join(map(re.escape, FUNCTIONS))})(?=\()",
     lambda m: FUNCTIONS[m[0]]),
)  # fmt: skip


def all_edits(text: str, inside: list[Gap], prose: list[tuple[int, int]]) -> Iterator[Edit]:
    """Every change to a template between its gaps, but for its prose."""
    spans = [(gap.start, gap.end) for gap in inside]
    code = covered(text, inside)
    try:
        found = edits(text, code)
    except SyntaxError:
        found = list(line_edits(text, code, prose))
    for edit in found:
        if all(harmless(edit, *span) for span in spans):
            yield edit


def line_edits(text: str, code: str, prose: list[tuple[int, int]]) -> Iterator[Edit]:
    """Changes line by line. A line that says something is left out, too."""
    for match in re.finditer(r"^.*\S.*$", code, re.MULTILINE):
        said = match[0].strip()
        start = match.start() + match[0].index(said)
        end = start + len(said)
        is_prose = any(low <= start < high for low, high in prose)
        if is_prose or said.startswith(("#", "import ", "from ")):
            continue
        line = text[start:end]
        yield Edit("drop line", start, end, "if True:" if said.endswith(":") else "")
        try:
            found = edits(line, said) if not said.endswith(":") else head_edits(line, said)
        except SyntaxError:
            found = word_edits(line)
        for edit in found:
            if edit.operator != "drop line":
                yield Edit(edit.operator, start + edit.start, start + edit.end, edit.new)


def head_edits(line: str, said: str) -> list[Edit]:
    """Changes to the first line of a block."""
    return [e for e in edits(f"{line} pass", f"{said} pass") if e.end <= len(line)]


def word_edits(text: str) -> Iterator[Edit]:
    """Changes to single words."""
    for operator, pattern, new in WORDS:
        for match in re.finditer(pattern, text):
            after = new(match) if callable(new) else match.expand(new)
            yield Edit(operator, match.start(), match.end(), after)


def harmless(edit: Edit, start: int, end: int) -> bool:
    """Whether a change leaves a gap alone, or takes all of it."""
    apart = edit.end <= start or end <= edit.start
    return apart or (edit.start <= start and end <= edit.end)


def covered(text: str, inside: list[Gap]) -> str:
    """A template as Python of the same length: a gap that prints becomes a name, another one a
    comment, or nothing where it stands in a line with something else."""
    code = list(text)
    for gap in inside:
        length = gap.end - gap.start
        if gap.kind == "variable":
            code[gap.start : gap.end] = "_" + "x" * (length - 1)
        else:
            first = text.rfind("\n", 0, gap.start) + 1
            mark = " " if text[first : gap.start].strip() or not is_last(text, gap) else "#"
            gone = ["\n" if c == "\n" else mark for c in text[gap.start : gap.end]]
            code[gap.start : gap.end] = gone
    return "".join(code)


def is_last(text: str, gap: Gap) -> bool:
    """Whether nothing stands in a line after a gap."""
    return not text[gap.end : text.find("\n", gap.end) % (len(text) + 1)].strip()
