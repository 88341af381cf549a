"""What holds of the text of generated C, whether or not there is a compiler."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from some_cells import every, sampled
from test_names import body
from written_cells import READABLE

from derive.backends.c import POLICY, files
from derive.backends.c.files import module_of as filled_with
from derive.backends.c.words import FILE, LANGUAGE, LOCAL, PHASES, SEGMENTS, WORDS
from derive.library import load, names
from derive.program.program import Program
from derive.render import render

ROOT = Path(__file__).parent.parent
STORES = ("all", "states", "checkpoints", "everything")
SILENT = re.compile(r"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
DIRECTIVE = re.compile(r"^#(?!define).*$", re.MULTILINE)
FEW = sampled(names(), ("lstm", "fast_weights", "t_lstm", "gla"))


@cache
def module_of(name, store="all"):
    return filled_with(Program(load(name), store, POLICY))


def text_of(name, store="all"):
    """The header, then the file."""
    return "".join(files(module_of(name, store).program).values())


def code_of(text):
    """A text without what it says to people and, but for macros, to the preprocessor."""
    return DIRECTIVE.sub("", SILENT.sub(" ", text))


def words_of(code):
    """Names and keywords, but those behind a dot or an arrow: fields clash with nothing."""
    number = r"\b0[xX][\w.]+(?:[pP][+-]?\d+\w*)?|\b\d[\w.]*"
    code = re.sub(rf"(?:\.|->)\s*[A-Za-z_]\w*|{number}", " ", code)
    return set(re.findall(r"[A-Za-z_]\w*", code))


def public(module):
    """What begins as everything public does; and what a compiler defines."""
    name = module.cell.name
    return re.compile(rf"(?:{name}|{name.upper()})_\w+|__\w+|_OPENMP")


def defined(text):
    """Names that a file gives for all of itself: macros, functions, types, constants."""
    code = code_of(text)
    yield from re.findall(r"^#define (\w+)", code, re.MULTILINE)
    yield from re.findall(r"^(?:[A-Za-z]\w*[ *]+)+(\w+)\([^;{]*\{", code, re.MULTILINE)
    yield from re.findall(r"^struct (\w+) \{", code, re.MULTILINE)
    yield from re.findall(r"^\} (\w+);", code, re.MULTILINE)
    yield from re.findall(r"^typedef .*?(\w+)(?:\[.*\])?(?: __attribute__.*)?;", code, re.MULTILINE)
    for names_ in re.findall(r"^enum \{(.*?)\}", code, re.MULTILINE):
        yield from re.findall(r"\w+", names_)


def phases(text):
    """The functions in which quantities have their names."""
    return re.findall(rf"^static void (?:{'|'.join(PHASES)})\(.*?^\}}", code_of(text), re.M | re.S)


@pytest.mark.parametrize("name", FEW)
def test_templates_say_no_word_that_is_not_listed(name):
    """Where quantities have their names, a name was given out by `Names`, or is one that nothing
    else may have."""
    for store in STORES:
        module = module_of(name, store)
        text = render("c/module.c.j2", module=module)
        given = set(module.names.given.values())
        for routine in module.routines:
            given |= set(routine.names.own.values())
        assert len(phases(text)) > 5
        for phase in phases(text):
            said = {word for word in words_of(phase) if not public(module).fullmatch(word)}
            assert said <= given | WORDS, store


@pytest.mark.parametrize("name", FEW)
def test_what_a_file_defines_is_listed(name):
    for store in STORES:
        found = set(defined(text_of(name, store)))
        assert len(found) > 40
        assert {
            word for word in found if not public(module_of(name)).fullmatch(word)
        } <= FILE | PHASES | SEGMENTS


def test_no_word_is_listed_in_vain():
    """Every word of the file itself is defined in the file of some cell."""
    cells = [module_of(name).program for name in ("lstm", "t_lstm", "gla")]
    cells += [Program(cell, policy=POLICY) for cell in READABLE]
    cells += [module_of("lstm", "checkpoints").program]
    found = {word for cell in cells for text in files(cell).values() for word in defined(text)}
    assert FILE - found == set()
    assert not (LANGUAGE & FILE or LANGUAGE & LOCAL)


HASHES = """
import hashlib, sys
sys.path.insert(0, "tests")
import test_c_text as t
from some_cells import SEVERAL, VECTORS
for name in (*VECTORS, *SEVERAL):
    for store in t.STORES:
        print(name, store, hashlib.sha256(t.text_of(name, store).encode()).hexdigest())
"""


@every
def test_the_same_bytes_whatever_the_hashes():
    def printed(seed):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.check_output([sys.executable, "-c", HASHES], cwd=ROOT, env=env, text=True)

    assert printed("1") == printed("2") != ""


# --- what a person writes for people stays among what is for people -------------------------------

EVIL = [
    "*/ int stolen(void) { return 1; } /*",
    "/* /* */ #error stolen",
    "a line that ends in \\\\\\n#error stolen",
    "??/\\n#error stolen",
    "\\n#include <stolen.h>\\n",
    "{{ stolen }} {% stolen %}",
    '\\" stolen',
    "\\u2028 #error stolen \\u202e */ stolen",
]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_gets_out_of_its_comment(text):
    """Whatever a docstring, or what is said of a quantity, has in it."""
    cell = body(["x, h = Input(), State()", "W = Matrix(H, I)", "h_next = W @ x + h"])
    plain = code_of("".join(files(Program(cell, policy=POLICY)).values()))
    said = text.encode().decode("unicode_escape")
    spoken = replace(cell, title=said, doc=said)
    code = code_of("".join(files(Program(spoken, policy=POLICY)).values()))
    assert code.split() == plain.split()
    assert "stolen" not in code
