"""The proof of the tests works: it makes mutants, many and different, and they are caught."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from mutation import equations, program, python, report, templates
from mutation.subjects import ANTISYMMETRIC

ROOT = Path(__file__).parent.parent


def test_every_source_makes_many_and_no_two_alike():
    for source, least in ((program, 1000), (templates, 300)):
        found = list(source.mutants())
        assert len(found) >= least
        assert len({m.operator for m in found}) >= 10
        assert all(m.before != m.after for m in found)


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
    """As Python where it is Python; macros by their words. No line of mathematics is left out."""
    for path in templates.TEMPLATES.glob("*.j2"):
        text = path.read_text(encoding="utf-8")
        assert len(templates.covered(text)) == len(text)
        found = list(templates.all_edits(text))
        assert len(found) >= 10, path.name
    text = (templates.TEMPLATES / "statements.py.j2").read_text(encoding="utf-8")
    changed = {text.count("\n", 0, edit.start) for edit in templates.all_edits(text)}
    lines = enumerate(text.splitlines())
    assert changed >= {n for n, line in lines if "np." in line and not line.startswith("{#")}


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


def test_patterns_of_equivalent_mutants_can_be_read():
    known = report.equivalents()
    assert all(why.endswith((".", "!")) and patterns for why, patterns in known)
    assert report.fits("a[…] = b", "a[1:] = b") and not report.fits("a[…] = b", "a(1) = b")


def test_a_handful_is_caught():
    """The command itself, on every sixteenth mutant of one routine."""
    result = subprocess.run(
        [sys.executable, "-m", "mutation", "program", "--only", "rnn backward", "--every", "16"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "killed" in result.stdout
