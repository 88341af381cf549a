"""The proof of the tests works: it makes mutants, many and different, and they are caught."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mutation import (
    c,
    c_runner,
    c_text,
    equations,
    guarded,
    jinja,
    processes,
    program,
    python,
    report,
    target,
    templates,
)
from mutation.subjects import ANTISYMMETRIC, BARE, SUBJECTS
from some_cells import every, first

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("source", first(1, [templates, program]))
def test_every_source_makes_many_and_no_two_alike(source):
    found = list(source.mutants())
    assert len(found) >= 1000
    assert len({m.operator for m in found}) >= 10
    assert all(m.before != m.after for m in found)


def test_every_module_that_may_notice_has_tests():
    assert {*templates.NOTICED} <= {*SUBJECTS}


def test_equations_are_changed_in_every_way():
    derived = equations.derived(ANTISYMMETRIC)
    found = Counter(
        operator
        for stage in derived.values()
        for k, e in enumerate(stage)
        for operator, rhs in equations.changes(e, stage[:k])
        if rhs != e.rhs
    )
    assert set(found) >= {"drop term", "flip sign", "drop factor", "transpose", "other quantity"}
    assert sum(found.values()) > 200


def test_they_are_the_same_ones_each_time():
    once, again = ([str(m) for m in program.of_module(ANTISYMMETRIC, set())] for _ in range(2))
    assert once == again


def test_an_unchanged_equation_leaves_the_module_as_it_is():
    derived = equations.derived(ANTISYMMETRIC)
    for stage in equations.STAGES:
        assert derived[stage]
        same = equations.generated(ANTISYMMETRIC, stage, lambda found: found)
        assert same == ANTISYMMETRIC.text


def test_a_template_is_read_place_by_place():
    """As Python where it is Python, else line by line. No line of mathematics is left out."""
    for path in templates.TEMPLATES.glob("*.j2"):
        text = path.read_text(encoding="utf-8")
        inside = jinja.gaps(text)
        assert len(target.covered(text, inside)) == len(text)
        assert all(text[g.start] + text[g.end - 1] == "{}" for g in inside)
        found = templates.all_edits(text)
        assert len({edit.apply(text) for edit in found}) == len(found) >= 20, path.name
        changed = {text.count("\n", 0, edit.start) for edit in found}
        for n, line in enumerate(text.splitlines()):
            assert n in changed or "np." not in line or not is_code(line), line


def is_code(line):
    """Whether a line of a template is more than a remark, an import, a type or documentation."""
    said = line.strip()
    is_prose = said.startswith(("{#", "#", "import", "from")) or ": np.ndarray" in said
    return not is_prose and "numpy.random.Generator;" not in said


def test_no_part_of_a_template_is_left_out_by_every_cell():
    """But for what compiled modules alone have, a tape whose segments are their own affair; and for
    what no subject needs any more, a copy at a step's end."""
    apart = "elif module.is_checkpointed", 'elif s.kind == "Copy"'
    unreached = [part for part in templates.unreached() if not any(a in part for a in apart)]
    assert not unreached


@pytest.mark.parametrize("text, operator, changed", [
    ("{% if not a == b %}{% endif %}", "negate condition", "{% if a == b %}{% endif %}"),
    ("{% if a and b %}{% endif %}", "negate condition", "{% if not (a and b) %}{% endif %}"),
    ("{% if a or b %}{% endif %}", "drop operand", "{% if a or false %}{% endif %}"),
    ("{% for a in f(b) if b %}{% endfor %}", "loop order",
     "{% for a in (f(b)) | list | reverse if b %}{% endfor %}"),
    ('{{ "+=" if a else "=" }}', "forget to add", '{{ "=" if a else "=" }}'),
    ('{{ "+=" if a else "=" }}', "negate condition", '{{ "+=" if not (a) else "=" }}'),
    ('{{ f(a, b[0], "") }}', "swap operands", '{{ f(b[0], a, "") }}'),
    ('{{ f(a, b[0], "") }}', "transpose", '{{ f(a, b[0], ".T") }}'),
    ('{{ f(a, b ~ " @ " ~ c ~ d) }}', "swap operands", '{{ f(a, c ~ d ~ " @ " ~ b) }}'),
    ("{{ s.entering }}", "other part", "{{ s.leaving }}"),
    ("np.dot({{ a }}, {{ b }}.T, out={{ c }})", "swap operands",
     "np.dot({{ b }}.T, {{ a }}, out={{ c }})"),
    ("{{ a }} += {{ b }}{{ c }} @ {{ d }}", "forget to add", "{{ a }} = {{ b }}{{ c }} @ {{ d }}"),
    ("{% if a %}\n{{ b }} = {{ c }}\n{% endif %}", "drop line", "{% if a %}\npass\n{% endif %}"),
])  # fmt: skip
def test_changes_to_templates(text, operator, changed):
    assert (operator, changed) in [(e.operator, e.apply(text)) for e in templates.all_edits(text)]


@pytest.mark.parametrize("text, operator, changed", [
    ("a - b", "swap operands", "((b) - (a))"),
    ("a - b", "+ and -", "(a) + (b)"),
    ("x += y", "forget to add", "x = y"),
    ("np.add(a, b, out=c)", "other function", "np.subtract(a, b, out=c)"),
    ("np.copyto(a, b, where=c)", "drop keyword", "np.copyto(a, b)"),
    ("a.T", "transpose", "a"),
    ("a[:-1]", "other slice", "a[1:]"),
    ("a[t]", "off by one", "a[t - 1]"),
    ("é = a.copy()", "drop copy", "é = a"),
    ("raise ValueError", "drop line", "pass"),
])  # fmt: skip
def test_changes(text, operator, changed):
    found = {edit.operator: edit.apply(text) for edit in python.edits(text)}
    assert found[operator] == changed


@pytest.mark.parametrize("text, operator, changed", [
    ("for (n = 0; n < {{ a }}; n++) {", "comparison", "for (n = 0; n <= {{ a }}; n++) {"),
    ("for (n = 0; n < 4; n++) {", "number", "for (n = 1; n < 4; n++) {"),
    ("sum += {{ a }} * {{ b }};", "forget to add", "sum = {{ a }} * {{ b }};"),
    ("sum += {{ a }} * {{ b }};", "other operation", "sum += {{ a }} + {{ b }};"),
    ("if (a && b) { /* a < b */", "negate condition", "if (!(a && b)) { /* a < b */"),
    ("if (a) {", "drop block", "if (0) {"),
    ("#if defined(A) || defined(B)", "and/or", "#if defined(A) && defined(B)"),
    ("f(a, {{ b(c, d) }}, 1);", "swap operands", "f({{ b(c, d) }}, a, 1);"),
    ("f(a, {{ b(c, d) }}, 1);", "swap operands", "f(a, {{ b(d, c) }}, 1);"),
    ("return x < 0 ? {{ a }} : x;", "swap operands", "return x < 0 ? x : {{ a }};"),
    ("multiply(y, {{ n }}, SET);", "other name", "multiply(y, {{ n }}, ADD);"),
    ("{% if a %}\nrow++;\n{% endif %}", "drop line", "{% if a %}\n\n{% endif %}"),
])  # fmt: skip
def test_changes_to_templates_of_c(text, operator, changed):
    assert (operator, changed) in [(e.operator, e.apply(text)) for e in c.all_edits(text)]


def test_a_template_of_c_is_read_place_by_place():
    """No line of mathematics is left out, and no comment is changed."""
    for name in c.CHANGED:
        text = (c.TEMPLATES / f"{name}.j2").read_text(encoding="utf-8")
        code = c_text.covered(text, jinja.gaps(text))
        assert [k for k, letter in enumerate(text) if letter == "\n"] == [
            k for k, letter in enumerate(code) if letter == "\n"
        ]
        found = c.all_edits(text)
        assert len({edit.apply(text) for edit in found}) == len(found) >= 5, name
        changed = {text.count("\n", 0, edit.start) for edit in found}
        for n, line in enumerate(code.splitlines()):
            assert n in changed or not re.search(r" (\+|-|/|\+?=|<|>) .*;$", line), line


@every
def test_no_part_of_a_template_of_c_is_left_out_by_every_cell():
    """But for what only layers of networks have."""
    assert not [part for part in c.unreached() if "module.own" not in part]


@every
@pytest.mark.compiler
@pytest.mark.parametrize("way", c_runner.WAYS, ids=lambda way: " ".join(way.flags) + way.dtype)
def test_what_is_right_survives_in_every_way(way):
    if way not in c_runner.there():
        pytest.skip("neither this compiler nor this processor has it")
    for subject in c.NOTICED:
        assert c_runner.fails(subject, c.unchanged(subject), way) == "", str(subject)


@pytest.mark.compiler
@pytest.mark.parametrize("old, new", [
    ("", ""),
    ("a < b ? a : b", "a < b ? b : a"),
    ("row * width, width * sizeof", "row * width, 2 * width * sizeof"),
])  # fmt: skip
def test_what_is_wrong_in_c_is_caught(old, new):
    text = c.unchanged(BARE)
    assert old in text
    said = c_runner.fails(BARE, text.replace(old, new, 1), c_runner.WAYS[0])
    assert bool(said) == bool(old)


@pytest.mark.parametrize("offset", [0, 1])
def test_memory_ends_behind_a_guarded_array(offset):
    def read():
        array = guarded.empty((3, 5), "d")
        assert np.isnan(array).all()
        return ctypes.c_double.from_address(array.ctypes.data + array.nbytes - 8 + 8 * offset).value

    (found,) = processes.forked([read], 1)
    assert str(found) == ("signal 11" if offset else "nan")


def test_patterns_of_equivalent_mutants_can_be_read():
    known = report.equivalents()
    assert all(why.endswith((".", "!")) and patterns for why, patterns in known)
    assert report.fits("a[…] = b", "a[1:] = b") and not report.fits("a[…] = b", "a(1) = b")


@pytest.mark.parametrize("task, by", [
    ("time.sleep(0.5) or 'done'", "done"),  # another process had the machine
    ("next(n for n in iter(int, 1) if n)", "time"),
])  # fmt: skip
def test_what_a_mutant_computes_is_limited_and_not_how_long_it_waits(task, by):
    program = (
        "import os, time; from mutation import processes; "
        f"process, pipe = processes.fork(lambda: {task}, 0.3); "
        "_, status = os.waitpid(process, 0); print(processes.answer(pipe, status))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.stdout.strip() == by, result.stderr


@pytest.mark.parametrize("few", first(1, ["64", "16"]))
def test_a_handful_is_caught(few):
    """The command itself, on some of the mutants of one routine."""
    result = subprocess.run(
        [sys.executable, "-m", "mutation", "program", "--only", "rnn backward", "--every", few],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "killed" in result.stdout
