"""What docstrings show in a Python session is what it gives; README.md and docs/trace.md have tests
of their own."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "derive").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_session_gives_what_it_shows(name):
    failures, tried = doctest.testmod(importlib.import_module(name))
    assert tried and not failures


def test_there_are_some():
    assert "derive.evaluation.trace" in MODULES
