"""The generated code of a few cells, changed line by line.

Only lines that differ from cell to cell: the others stand in the templates, which are changed by
themselves. Of a module that keeps less on its tape only what the fuller one does not have.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType

import numpy as np

from mutation.edit import Edit, functions, place
from mutation.mutant import Mutant
from mutation.python import edits
from mutation.subjects import ANTISYMMETRIC, GRU, LSTM, PEEPHOLE, SLSTM, STATES, Subject

ROUTINES = ("forward", "backward", "step", "jvp", "hvp")
FIRST_ORDER = (PEEPHOLE, SLSTM)  # their hvp is long, and made of the same lines as the others'
TEMPLATES = Path(__file__).parents[2] / "templates" / "numpy"


def mutants() -> Iterator[Mutant]:
    """Every change to the programs of the cells that are looked at. A line that several modules
    have is changed in the first one."""
    known = {(routine, line) for routine in ROUTINES for line in template_lines()}
    for subject in (LSTM, GRU, PEEPHOLE, ANTISYMMETRIC, SLSTM, *STATES):
        yield from of_module(subject, known)
        known |= set(lines_of(subject.text))


def lines_of(text: str) -> Iterator[tuple[str, str]]:
    """The lines of each routine: (routine, line)."""
    lines = text.splitlines()
    for name, (first, last) in functions(text).items():
        yield from ((name, line.strip()) for line in lines[first - 1 : last])


def of_module(subject: Subject, known: set[tuple[str, str]]) -> Iterator[Mutant]:
    """Every change to one module, but in lines that are known."""
    text, found = subject.text, functions(subject.text)
    lines = text.splitlines()
    routines = ROUTINES[:-1] if subject in FIRST_ORDER else ROUTINES
    shapes, same = shapes_of(subject), aliases_of(text)
    seen: set[str] = set()

    def other(name: ast.Name) -> str | None:
        where = place(found, name.lineno)
        return next_alike(shapes.get(where, {}), name.id, same.get(where, {}))

    for edit in edits(text, other=other):
        line = text.count("\n", 0, edit.start) + 1
        where = place(found, line)
        changed = edit.apply(text)
        if where not in routines or changed in seen or (where, lines[line - 1].strip()) in known:
            continue
        seen.add(changed)
        yield made(subject, where, edit, changed)


def made(subject: Subject, where: str, edit: Edit, changed: str) -> Mutant:
    """One changed module as a mutant."""
    before, after = edit.lines(subject.text)
    return Mutant("program", edit.operator, f"{subject} {where}", before, after,
                  (subject,), lambda: [(subject, changed)])  # fmt: skip


@cache
def template_lines() -> frozenset[str]:
    """The lines that stand in a template as they are."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("*.j2"))]
    return frozenset(line.strip() for text in texts for line in text.splitlines())


def next_alike(shapes: dict[str, tuple], name: str, same: dict[str, str]) -> str | None:
    """The next array of the same shape, in the order of their names; the first after the last. Not
    the same array under another name."""
    alike = sorted(other for other, shape in shapes.items() if shape == shapes.get(name))
    first = same.get(name, name)
    others = [other for other in alike if same.get(other, other) != first]
    if name not in shapes or not others:
        return None
    return next((other for other in others if other > name), others[0])


def aliases_of(text: str) -> dict[str, dict[str, str]]:
    """For each routine, names for an array that has one already, and its first name; not of names
    that stand for one array after another."""
    found: dict[str, dict[str, str]] = {}
    for routine in ast.parse(text).body:
        if isinstance(routine, ast.FunctionDef) and routine.name in ROUTINES:
            names = [n for n in ast.walk(routine) if isinstance(n, ast.Name)]
            bound = Counter(n.id for n in names if isinstance(n.ctx, ast.Store))
            same = found.setdefault(routine.name, {})
            for node in ast.walk(routine):
                for second, first in pairs(node) if isinstance(node, ast.Assign) else ():
                    if bound[first] <= 1 == bound[second]:
                        same[second] = same.get(first, first)
    return found


def pairs(node: ast.Assign) -> Iterator[tuple[str, str]]:
    """What an assignment gives a second name: ``a = b``, ``a, b = c, d``, ``a = b = …``."""
    first, *others = [*node.targets, node.value]
    for other in others:
        many = isinstance(first, ast.Tuple) and isinstance(other, ast.Tuple)
        for a, b in zip(first.elts, other.elts, strict=True) if many else [(first, other)]:
            if isinstance(a, ast.Name) and isinstance(b, ast.Name):
                yield a.id, b.id


def shapes_of(subject: Subject) -> dict[str, dict[str, tuple]]:
    """For each routine, the shapes of the arrays it has at its end, where all sizes differ."""
    module = ModuleType("watched")
    sys.modules["watched"] = module
    exec(compile(subject.text, "<watched>", "exec"), module.__dict__)
    shapes: dict[str, dict[str, tuple]] = {}

    def watch(frame: FrameType, event: str, argument: object) -> None:
        routine = frame.f_code.co_name
        if event == "return" and routine in ROUTINES:
            arrays = {k: v for k, v in frame.f_locals.items() if isinstance(v, np.ndarray)}
            shapes[routine] = {k: v.shape for k, v in arrays.items()}

    sys.setprofile(watch)
    try:
        run_all(module)
    finally:
        sys.setprofile(None)
    return shapes


def run_all(m: ModuleType) -> None:
    """Each routine, once; one sequence ends early, so that all that there may be is there."""
    rng = np.random.default_rng(0)
    sizes = [n for n in inspect.signature(m.Params).parameters if n != "dtype"]
    params = m.init(rng, *(3 + 2 * k for k in range(len(sizes))))
    xs = rng.normal(size=(11, 13, params.input_size))
    ys, state, tape = m.forward(params, xs, None, [4] + [11] * 12)
    m.backward(params, tape, ys, state)
    m.step(params, xs[0], state)
    m.jvp(params, tape, params, xs, state)
    m.hvp(params, tape, ys, params, xs, state, state)
