"""The templates, changed place by place, and filled in as they always are.

Changed is what stands between the gaps (`mutation.target`), and what the gaps decide
(`mutation.gaps`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest import mock

import jinja2

from derive import render
from derive.backends.numpy.module import Module, files
from derive.program.program import Program
from mutation import gaps, target
from mutation.edit import Edit
from mutation.jinja import Gap, locals_of
from mutation.jinja import gaps as gaps_of
from mutation.mutant import Mutant
from mutation.program import TEMPLATES
from mutation.subjects import (
    CHECKPOINTS,
    CONSTANTS,
    COUNTED,
    FADING,
    GRU,
    HEADED,
    LSTM,
    MEMORY,
    NORMED,
    PROJECTED,
    SCRN,
    SLSTM,
    SRU,
    STATES,
    TIMED,
    WORDS,
    Subject,
)  # fmt: skip

# In which cells a change has to be noticed: the first whose module it changes, and if it gets past
# the tests of that one, the others.
NOTICED = (GRU, WORDS, PROJECTED, LSTM, SCRN, SRU, SLSTM, CONSTANTS, TIMED, COUNTED, MEMORY, HEADED,
           FADING, NORMED, *STATES, *CHECKPOINTS)  # fmt: skip
# What says nothing to a machine: documentation and comments. In it, only whole parts that are there
# or not are changed.
PROSE = re.compile(r'"""(?:(?!""").)*"""|^ *#[^\n]*', re.DOTALL | re.MULTILINE)
CHANGED: dict[str, str] = {}  # templates that are not as they stand in their files


def mutants() -> Iterator[Mutant]:
    """Every change to every template."""
    for subject in NOTICED:
        module_of(subject)  # before the forks
    for path in sorted(TEMPLATES.glob("*.j2")):
        own_environment().get_template(f"numpy/{path.name}")
        text = path.read_text(encoding="utf-8")
        for edit in all_edits(text):
            line = text.count("\n", 0, edit.start) + 1
            yield made(path.name, stands_in(text, line), edit, text)


def all_edits(text: str) -> list[Edit]:
    """What can be changed in a template, in the order of the places."""
    inside = gaps_of(text)
    prose = [match.span() for match in PROSE.finditer(text)]
    found = list(target.all_edits(text, inside, prose))
    for gap, local in with_names(inside):
        for edit in gaps.edits(gap, local):
            is_prose = any(start <= gap.start < end for start, end in prose)
            if not is_prose or (gap.kind == "block" and edit.operator == "negate condition"):
                found.append(edit)
    found = [edit for edit in found if edit.apply(text) != text]
    distinct = {edit.apply(text): edit for edit in reversed(found)}
    return sorted(distinct.values(), key=lambda e: (e.start, e.end, e.operator, e.new))


def with_names(inside: list[Gap]) -> Iterator[tuple[Gap, list[str]]]:
    """The gaps, each with the names that have a value in its macro, or outside of all."""
    groups: list[list[Gap]] = [[]]
    for gap in inside:
        if gap.word == "macro":
            groups.append([])
        groups[-1].append(gap)
        if gap.word == "endmacro":
            groups.append([])
    for group in groups:
        names = locals_of(group)
        yield from ((gap, names) for gap in group)


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
    """The modules that a changed template makes, one after another, in a process that makes no
    others: a template that imports from the changed one keeps what it has imported."""
    with filled_in({f"numpy/{name}": changed}):
        for subject in NOTICED:
            try:
                yield subject, text_of(subject)
            except jinja2.TemplateSyntaxError as error:  # no mutant: it is told without a test
                raise SyntaxError from error


@contextmanager
def filled_in(changed: Mapping[str, str], **known: object) -> Iterator[None]:
    """The templates of these names are others, and these values are known to all of them."""
    environment = own_environment()
    with (
        mock.patch.object(render, "environment", own_environment),
        mock.patch.dict(environment.globals, known),
        mock.patch.dict(CHANGED, changed),
    ):
        yield


@cache
def own_environment() -> jinja2.Environment:
    """The templates, as they are at the moment; one that has not changed is compiled once."""

    def source(name: str) -> tuple[str, None, Callable[[], bool]]:
        text = now(name)
        return text, None, lambda: now(name) == text

    def now(name: str) -> str:
        return CHANGED[name] if name in CHANGED else read(name)

    loader = jinja2.FunctionLoader(source)
    made = render.environment().overlay(loader=loader, auto_reload=True)
    made.bytecode_cache = None
    return made


@cache
def read(name: str) -> str:
    """A template, unchanged."""
    return (TEMPLATES.parent / name).read_text(encoding="utf-8")


def text_of(subject: Subject) -> str:
    """The module that the templates make at the moment."""
    filling = module_of(subject)
    with mock.patch("derive.backends.numpy.module.Module", lambda program: filling):
        (text,) = files(filling.program).values()
    return text


@cache
def module_of(subject: Subject) -> Module:
    """What the templates are filled with, which they have no part in themselves."""
    return Module(Program(subject.cell, subject.store))


# --- what is reached ------------------------------------------------------------------------------


def unreached() -> set[str]:
    """The parts of templates that no subject reaches."""
    return not_reached(sorted(TEMPLATES.glob("*.j2")), lambda: [text_of(s) for s in NOTICED])


def not_reached(paths: Iterable[Path], fill: Callable[[], object]) -> set[str]:
    """The parts of templates that are not reached while they are filled in: macros, loops, and
    sides of conditions."""
    marked: dict[str, str] = {}
    parts: dict[str, None] = {}
    for path in paths:
        text, done = path.read_text(encoding="utf-8"), 0
        pieces = []
        for gap in gaps_of(text):
            if gap.word in ("if", "elif", "else", "for", "macro"):
                line = text.count("\n", 0, gap.start) + 1
                part = f"{path.name}:{line}: {text[gap.start : gap.end]}"
                pieces += [text[done : gap.end], f"{{{{ reached({len(parts)}) }}}}"]
                parts[part], done = None, gap.end
        marked[f"{path.parent.name}/{path.name}"] = "".join([*pieces, text[done:]])
    found: set[int] = set()
    with filled_in(marked, reached=lambda k: found.add(k) or ""):
        fill()
    return {part for k, part in enumerate(parts) if k not in found}
