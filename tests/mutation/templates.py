"""The templates, changed line by line and operator by operator, and filled in as they always are.

A template that is a part of a module is Python with gaps. To read it as Python, each gap is
covered by a name of the same length, or by a comment where it is a line of its own that says what
to repeat; then every place in the syntax tree is the same place in the template. Macros, which
write the mathematics, are no part of a module by themselves: there the words between the gaps are
changed, and what the gaps decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from unittest import mock

import jinja2

from derive import render
from derive.backends.numpy.module import files
from derive.program.program import Program
from mutation.mutant import Mutant
from mutation.program import TEMPLATES
from mutation.python import Edit, edits
from mutation.subjects import GRU, LSTM, PROJECTED, SCRN, SLSTM, SRU, STATES, WORDS, Subject

# In which cells a change has to be noticed: the first whose module it changes, and if it gets past
# the tests of that one, the others.
NOTICED = (GRU, WORDS, PROJECTED, LSTM, SCRN, SRU, SLSTM, *STATES)
GAP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
# What says nothing to a machine: documentation, the remarks of templates, comments.
PROSE = re.compile(
    r'"""(?:(?!""").)*"""|\{#.*?#\}|\{% from.*?%\}|^ *#[^\n]*', re.DOTALL | re.MULTILINE
)
WORDS_OF_NUMPY = (
    ("+ and -", r" \+ ", " - "),
    ("* and /", r" \* ", " / "),
    ("@ and *", r" @ ", " * "),
    ("forget to add", r" \+= ", " = "),
    ("other function", r"np\.add\(", "np.subtract("),
    ("other function", r"np\.multiply\(", "np.add("),
    ("other function", r"np\.tanh\(", "np.sin("),
    ("other function", r"np\.outer\(([^,]*), (.*)\)", r"np.outer(\2, \1)"),
    ("swap operands", r"np\.(dot|matmul)\(([^\n]*?), ([^\n]*?), out=", r"np.\1(\3, \2, out="),
    ("transpose", r"\.T\b", ""),
    ("drop copy", r"\.copy\(\)", ""),
    ("drop keyword", r", (?:where|axis|keepdims|out)=(?:\([^()]*\)|[\w.-]+)", ""),
    ("other axis", r"axis=-1", "axis=0"),
    ("other number", r"\b0\.5\b", "0.25"),
    ("other number", r"(?<=, )0(?=, where)", "1"),
    ("off by one", r"T \+ 1", "T"),
    ("other slice", r"\[:-1\]", "[1:]"),
    ("other slice", r"\[-1\]", "[0]"),
    ("other slice", r"\[0\] = ", "[-1] = "),
    ("other order", r"reversed\(range\(T\)\)", "range(T)"),
    ("other name", r"ended_s\b", "ended_s[::-1]"),
    ("negate", r" is not None", " is None"),
    ("other name", r"\bdys\b(?=\W)", "-dys"),
    ("other name", r"\bdstate\b(?=\))", "state"),
)
OTHER_GAPS = {"input_argument": "output_argument", "output_argument": "input_argument"}


def mutants() -> Iterator[Mutant]:
    """Every change to every template."""
    for subject in NOTICED:
        program_of(subject)  # before the forks
    for path in sorted(TEMPLATES.glob("*.j2")):
        text = path.read_text(encoding="utf-8")
        for edit in all_edits(text):
            if "{%" not in text[edit.start : edit.end] or is_template(edit.apply(text)):
                line = text.count("\n", 0, edit.start) + 1
                yield made(path.name, stands_in(text, line), edit, text)


def stands_in(text: str, line: int) -> str:
    """The function or macro that a line of a template stands in."""
    above = re.findall(
        r"^ *(?:def|class|{% macro) (\w+)", "\n".join(text.splitlines()[:line]), re.M
    )
    return above[-1] if above else ""


def made(name: str, where: str, edit: Edit, text: str) -> Mutant:
    """One changed template as a mutant."""
    before, after = edit.lines(text)
    changed = edit.apply(text)
    return Mutant("templates", edit.operator, f"{name} {where}".strip(), before, after,
                  NOTICED, lambda: rendered(name, changed))  # fmt: skip


def rendered(name: str, changed: str) -> Iterable[tuple[Subject, str]]:
    """The modules that a changed template makes, one after another."""
    environment = render.environment()
    loader = jinja2.ChoiceLoader(
        [jinja2.DictLoader({f"numpy/{name}": changed}), environment.loader]
    )
    with mock.patch.object(environment, "loader", loader):
        environment.cache.clear()
        for subject in NOTICED:
            (text,) = files(program_of(subject)).values()
            yield subject, text


@cache
def program_of(subject: Subject) -> Program:
    """A subject's program, which no template has a part in."""
    return Program(subject.cell, subject.store)


def all_edits(text: str) -> Iterator[Edit]:
    """What can be changed in a template: the words of the target, whole lines, the conditions of
    its gaps, and which of two a gap says."""
    try:
        yield from python_edits(text)
    except SyntaxError:  # macros: no part of a module by itself
        yield from word_edits(text)
    yield from gap_edits(text)


def python_edits(text: str) -> Iterator[Edit]:
    """Changes to what is Python but for its gaps."""
    gaps = [match.span() for match in GAP.finditer(text)]
    for edit in edits(text, covered(text)):
        if all(harmless(edit, start, end) for start, end in gaps):
            yield edit


def word_edits(text: str) -> Iterator[Edit]:
    """Changes to the words between gaps, and lines left out."""
    prose = [match.span() for match in PROSE.finditer(text)]
    for operator, pattern, new in WORDS_OF_NUMPY:
        for match in re.finditer(pattern, text):
            if not any(start <= match.start() < end for start, end in prose):
                yield Edit(operator, match.start(), match.end(), match.expand(new))
    for match in re.finditer(r"^(?!\s*({%|{#|#|$)).*\S.*$", text, re.MULTILINE):
        if not any(start <= match.start() < end for start, end in prose):
            line = match[0]
            indent = line[: len(line) - len(line.lstrip())]
            block = line.rstrip().endswith(":")
            yield Edit("drop line", match.start(), match.end(), f"{indent}{'if True:' * block}")


def gap_edits(text: str) -> Iterator[Edit]:
    """Conditions negated, the other one of two words, the other end of a list."""
    for match in re.finditer(r"{% (?:el)?if (.*?) %}", text):
        yield Edit("negate condition", match.start(1), match.end(1), f"not ({match[1]})")
    for match in re.finditer(r"{{ (\"[^\"]*\") if ([^{}]*?) else (\"[^\"]*\") }}", text):
        other = f"{{{{ {match[3]} if {match[2]} else {match[1]} }}}}"
        yield Edit("the other of two", match.start(), match.end(), other)
    for match in re.finditer(r"{{ (\"[^\"]*\") if ([^{}]*?) }}", text):
        if " else " not in match[2] and match[1] not in ('", "', '","'):
            new = f"{{{{ {match[1]} if not ({match[2]}) }}}}"
            yield Edit("negate condition", match.start(), match.end(), new)
    for match in re.finditer(r"params\.{{ (\w+) }}", text):
        if match[1] in OTHER_GAPS:
            yield Edit("other gap", match.start(1), match.end(1), OTHER_GAPS[match[1]])
    for one, other in (("entering", "leaving"), ("first", "last"), ("s.outs", "s.operands")):
        for match in re.finditer(rf"\b{one}\b(?=[^{{}}\n]*[%}}])", text):
            yield Edit("other part", match.start(), match.end(), other)


def harmless(edit: Edit, start: int, end: int) -> bool:
    """Whether a change leaves a gap alone, or takes all of it."""
    apart = edit.end <= start or end <= edit.start
    return apart or (edit.start <= start and end <= edit.end)


def covered(text: str) -> str:
    """A template as Python of the same length."""
    return GAP.sub(cover, text)


def cover(gap: re.Match[str]) -> str:
    """What stands for a gap: a comment where it is a line of its own, nothing where it says when a
    part of a line is there, or a name."""
    if not gap[0].startswith("{{"):
        before = gap.string[gap.string.rfind("\n", 0, gap.start()) + 1 : gap.start()]
        mark = " " if before.strip() else "#"
        return "".join("\n" if c == "\n" else mark for c in gap[0])
    return f"_{'x' * (len(gap[0]) - 1)}"


def is_template(text: str) -> bool:
    """True if it is a valid template; otherwise the change is not a mutant."""
    try:
        render.environment().parse(text)
    except jinja2.TemplateSyntaxError:
        return False
    return True
