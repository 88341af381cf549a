"""Target code stands in templates and printers, nowhere else.

The rule: a text that Python hands to a template of a target, or builds for one, is a name, a
number, a formula that a printer wrote, or prose. So in all modules of the package but printers, no
string constant may have the shape of code: nothing that calls, indexes, assigns or begins a block.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from some_cells import SEVERAL, VECTORS, sampled

import derive
from derive.backends import BACKENDS
from derive.backends.numpy.module import Module
from derive.backends.numpy.words import ATTRIBUTES, FUNCTIONS
from derive.compiler import generate
from derive.library import load
from derive.program.program import Program
from derive.render import render

HOUSE = Path(derive.__file__).parent
TEMPLATES = HOUSE.parent / "templates"

# What writes formulas, in a target or for people; what folds lines of Python; and what says what is
# wrong with somebody's code, in code's own words.
WRITERS = {
    *("printing.py", "printer.py", "python_lines.py", "display", "proof"),
    *("language", "wellformed.py", "cells"),
}
CODE = re.compile(
    r"""\bnp\.|\w\(\w*[,)=]|\w\[[^\]]*:|\bout=|\baxis=|\bdtype\b  # calls, slices, NumPy's arguments
    | ^(for|if|while|def|return|import|from)\s.*:?$ | ^\w+\s(=|\+=)\s  # statements""",
    re.VERBOSE,
)


def strings(tree):
    """String constants that are no docstrings, with their lines."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value, node.lineno


MODULES = [
    path for path in sorted(HOUSE.rglob("*.py")) if not WRITERS & set(path.relative_to(HOUSE).parts)
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_no_module_but_printers_has_target_code(path):
    found = [
        f"line {line}: {text!r}"
        for text, line in strings(ast.parse(path.read_text(encoding="utf-8")))
        if CODE.search(text) and not is_prose(text)
    ]
    assert not found


def is_prose(text):
    """A sentence for people: an error message, a help text."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    return len(words) >= 6 and " " in text.strip() and "np." not in text


def test_the_rule_would_notice():
    for code in ("np.add(a, b, out=c)", "a_s[:-1]", "x = ", "for t in range(T):", "axis=(0, 1)"):
        assert CODE.search(code) and not is_prose(code)


# --- words that a template says ------------------------------------------------------------------


def own_names(function):
    """The names that a generated function has of its own: arguments, and what it assigns."""
    arguments = function.args
    found = {a.arg for a in (*arguments.args, *arguments.kwonlyargs)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            found.add(node.id)
    return found


ROUTINES = ("forward", "backward", "step", "jvp", "hvp")
FEW = ["rnn", "slstm", "qrnn", "fast_weights", "t_lstm"]


@pytest.mark.parametrize("store", ["all", "states"])
@pytest.mark.parametrize("name", sampled([*VECTORS, "fast_weights", *SEVERAL], FEW))
def test_numpy_s_templates_say_no_word_that_is_not_listed(name, store):
    """A name in a routine was given out by `Names`, or is one that nothing else may have."""
    module = Module(Program(load(name), store))
    text = render("numpy/module.py.j2", module=module)
    given = set(module.names.given.values())
    for routine in module.routines:
        given |= set(routine.names.own.values())
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name in ROUTINES:
            words = {word for word in own_names(node) if not word.startswith("_")}
            assert words <= given | FUNCTIONS


def test_sizes_have_no_name_that_params_has():
    cell = load("lstm")
    (text,) = generate(cell).values()
    (params,) = (n for n in ast.parse(text).body if getattr(n, "name", "") == "Params")
    attributes = {n.name for n in ast.walk(params) if isinstance(n, ast.FunctionDef)}
    assert {a for a in attributes if not a.startswith("_")} <= ATTRIBUTES | {"pop"}


def test_every_target_has_its_room():
    for target in BACKENDS:
        assert (HOUSE / "backends" / target / "__init__.py").is_file()
        assert list((TEMPLATES / target).glob("*.j2"))
