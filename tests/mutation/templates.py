"""The templates, changed line by line and operator by operator, and filled in as they always are.

A template is Python with gaps. To read it as Python, each gap is covered by a name of the same
length, or by a comment where it is a line of its own that says what to repeat; then every place in
the syntax tree is the same place in the template.
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
from mutation.python import Edit, edits, functions, place
from mutation.subjects import GRU, LSTM, PROJECTED, SCRN, SLSTM, SRU, STATES, WORDS, Subject

# In which cells a change has to be noticed: the first whose module it changes, and if it gets past
# the tests of that one, the others.
NOTICED = (GRU, WORDS, PROJECTED, LSTM, SCRN, SRU, SLSTM, *STATES)
GAP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
OTHER_GAPS = {"input_argument": "output_argument", "output_argument": "input_argument"}


def mutants() -> Iterator[Mutant]:
    """Every change to every template."""
    for subject in NOTICED:
        program_of(subject)  # before the forks
    for path in sorted(TEMPLATES.glob("*.j2")):
        text = path.read_text(encoding="utf-8")
        found = functions(covered(text))
        for edit in all_edits(text):
            if "{%" not in text[edit.start : edit.end] or is_template(edit.apply(text)):
                line = text.count("\n", 0, edit.start) + 1
                yield made(path.name, place(found, line), edit, text)


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
    """All changes to a template: to its Python, its conditions, and the choice of a gap's value."""
    gaps = [match.span() for match in GAP.finditer(text)]
    for edit in edits(text, covered(text)):
        if all(harmless(edit, start, end) for start, end in gaps):
            yield edit
    for match in re.finditer(r"\{% if (.*?) %\}", text):
        yield Edit("negate condition", match.start(1), match.end(1), f"not ({match[1]})")
    for match in re.finditer(r"params\.\{\{ (\w+) \}\}", text):
        if match[1] in OTHER_GAPS:
            yield Edit("other gap", match.start(1), match.end(1), OTHER_GAPS[match[1]])


def harmless(edit: Edit, start: int, end: int) -> bool:
    """True if a change leaves a gap alone or replaces all of it."""
    apart = edit.end <= start or end <= edit.start
    return apart or (edit.start <= start and end <= edit.end)


def covered(text: str) -> str:
    """A template as Python of the same length."""
    return GAP.sub(cover, text)


def cover(gap: re.Match[str]) -> str:
    """The placeholder of a gap: a comment, the head of a loop, or a name."""
    if gap[0].startswith("{%"):
        return "#" * len(gap[0])
    if ".loop" in gap[0]:
        return f"while _{'x' * (len(gap[0]) - 8)}:"
    return f"_{'x' * (len(gap[0]) - 1)}"


def is_template(text: str) -> bool:
    """True if it is a valid template; otherwise the change is not a mutant."""
    try:
        render.environment().parse(text)
    except jinja2.TemplateSyntaxError:
        return False
    return True
