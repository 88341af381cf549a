"""The C target: its templates, and the Python that fills them in, changed place by place.

What a change makes is compiled, and has to agree with NumPy: `c_runner` tries it.
"""

from __future__ import annotations

import importlib.abc
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import spec_from_loader
from pathlib import Path

from derive import backends, render
from derive.backends.c import POLICY
from derive.program.program import Program
from mutation import c_text, gaps, python
from mutation.edit import Edit, functions, place
from mutation.jinja import gaps as gaps_of
from mutation.mutant import Mutant
from mutation.subjects import (
    BARE,
    C_CHECKPOINTS,
    CONSTANTS,
    COUNTED,
    LSTM,
    MEMORY,
    SCRN,
    SLSTM,
    TIMED,
    WORDS,
    Subject,
)  # fmt: skip
from mutation.templates import filled_in, not_reached, own_environment, stands_in, with_names

# In which cells a change has to be noticed, those first that compile fast: one of many gates; one
# without a matrix; one whose input is a number; one with arrays of several lengths side by side;
# one that starts elsewhere than at 0; one of several inputs, with the step's number and formulas of
# parameters; one whose states are matrices; one with every function; one that computes with
# parameters alone; and three that keep checkpoints.
NOTICED = (LSTM, BARE, COUNTED, SCRN, SLSTM, TIMED, MEMORY, WORDS, CONSTANTS, *C_CHECKPOINTS)
TEMPLATES = Path(__file__).parents[2] / "templates" / "c"
BACKENDS = Path(backends.__file__).parent
# Of the templates those that become a cell's C, without the comment at the head of a header.
CHANGED = """
    functions.c kernel.c parameters.c preamble.c routine.c routines.c runs.c shared.c statements.c
    module.c module.h interface.h structs.h segment.c segments.c
""".split()
# Of the Python that of this target and of all scalar ones; not how lines are broken, and which
# words are taken, which their own tests hold.
PYTHON = """
    c/module c/segments c/files c/printer c/routine
    scalar/module scalar/places scalar/routine scalar/entries
""".split()
ANEW = ("derive.backends.c", "derive.backends.scalar")  # imported again where one is changed


def mutants() -> Iterator[Mutant]:
    """Every change to every template, and to the Python."""
    for subject in NOTICED:
        unchanged(subject)  # before the forks
    for name in CHANGED:
        path = f"{name}.j2"
        own_environment().get_template(f"c/{path}")
        text = (TEMPLATES / path).read_text(encoding="utf-8")
        for edit in all_edits(text):
            line = text.count("\n", 0, edit.start) + 1
            yield made(f"c/{path} {where(text, line)}".strip(), edit, text, of_template(path))
    for name in PYTHON:
        path = BACKENDS / f"{name}.py"
        text = path.read_text(encoding="utf-8")
        found = functions(text)
        for edit in dict.fromkeys(python.edits(text)):
            line = text.count("\n", 0, edit.start) + 1
            spot = f"{name}.py {place(found, line)}".strip()
            yield made(spot, edit, text, of_module(f"derive.backends.{name.replace('/', '.')}"))


def all_edits(text: str) -> list[Edit]:
    """What can be changed in a template of C, in the order of the places."""
    inside = gaps_of(text)
    prose = [match.span() for match in c_text.COMMENT.finditer(text)]
    found = list(c_text.all_edits(text, inside))
    for gap, local in with_names(inside):
        if not any(start <= gap.start < end for start, end in prose):
            found += gaps.edits(gap, local)
    distinct = {edit.apply(text): edit for edit in reversed(found)}
    distinct.pop(text, None)
    return sorted(distinct.values(), key=lambda e: (e.start, e.end, e.operator, e.new))


def where(text: str, line: int) -> str:
    """The macro or the function of C that a line of a template stands in."""
    above = "\n".join(text.splitlines()[:line])
    found = re.findall(r"^static .*?(\w+)\(|{% (?:macro|call) (\w+)", above, re.M)
    return "".join(found[-1]) if found else stands_in(text, line)


def made(spot: str, edit: Edit, text: str, texts) -> Mutant:
    """One change as a mutant."""
    before, after = edit.lines(text)
    changed = edit.apply(text)
    return Mutant("c", edit.operator, spot, before, after, NOTICED, lambda: texts(changed))


def of_template(path: str):
    """What makes the files of C, one after another, from a changed template."""

    def texts(changed: str) -> Iterable[tuple[Subject, str]]:
        with filled_in({f"c/{path}": changed}):
            for subject in NOTICED:
                yield subject, text_of(subject)

    return texts


def of_module(name: str):
    """The same from a changed module of Python."""

    def texts(changed: str) -> Iterable[tuple[Subject, str]]:
        compile(changed, name, "exec")
        with imported_anew(name, changed):
            for subject in NOTICED:
                yield subject, filled(import_module("derive.backends.c.files"), subject)

    return texts


def text_of(subject: Subject) -> str:
    """The header and the file that the templates make at the moment, as one."""
    return joined(subject, {end: render.render(f"c/module.{end}.j2", module=module_of(subject))
                            for end in "hc"})  # fmt: skip


def filled(target, subject: Subject) -> str:
    """The same, filled in by the module of this target that there is at the moment."""
    module = target.module_of(program_of(subject))
    return joined(subject, {end: render.render(f"c/module.{end}.j2", module=module)
                            for end in "hc"})  # fmt: skip


def joined(subject: Subject, texts: dict[str, str]) -> str:
    """A file with its header where it includes it."""
    line = f'#include "{subject.name}.h"\n'
    assert line in texts["c"]
    return texts["c"].replace(line, texts["h"])


@cache
def unchanged(subject: Subject) -> str:
    """The right text."""
    return text_of(subject)


@cache
def program_of(subject: Subject) -> Program:
    """The program, derived once."""
    return Program(subject.cell, subject.store, POLICY)


@cache
def module_of(subject: Subject):
    """What the templates are filled with, which they have no part in themselves."""
    return import_module("derive.backends.c.files").module_of(program_of(subject))


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, whose text is another."""

    def __init__(self, name: str, text: str):
        self.name, self.text = name, text

    def find_spec(self, name, path=None, target=None):
        return spec_from_loader(name, self) if name == self.name else None

    def get_source(self, name):
        return self.text


@contextmanager
def imported_anew(name: str, text: str) -> Iterator[None]:
    """The target, with one of its modules changed; for a process that ends soon."""
    for known in [n for n in sys.modules if n.startswith(ANEW)]:
        del sys.modules[known]
    finder = _Changed(name, text)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def unreached() -> set[str]:
    """The parts of templates that no subject reaches."""
    paths = [TEMPLATES / f"{name}.j2" for name in CHANGED]
    return not_reached(paths, lambda: [text_of(subject) for subject in NOTICED])
