"""What holds of generated JavaScript as a text: its words, its lines, and what it says of the cell.

It needs no Node. What the text computes is in `test_javascript`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from some_cells import SEVERAL, SOME, VECTORS, every, sampled

from derive.backends.javascript.module import Module, files
from derive.backends.javascript.words import LANGUAGE, WORDS
from derive.backends.scalar.lines import WIDTH, folded
from derive.cli import main
from derive.display.latex import short_block
from derive.library import load, names
from derive.program.policy import PER_BYTE
from derive.program.program import Program
from derive.render import render

ROOT = Path(__file__).parent.parent
STORES = ["all", "states", "everything"]
FEW = sampled(names(), ("lstm", "fast_weights", "scrn", "t_lstm"))
PROSE = re.compile(r'/\*.*?\*/|//[^\n]*|String\.raw`.*?`|`[^`]*`|"[^"\n]*"', re.DOTALL)


@cache
def module_of(name, store="all"):
    return Module(Program(load(name), store, PER_BYTE))


@cache
def text_of(name, store="all"):
    (text,) = files(Program(load(name), store, PER_BYTE)).values()
    return text


def test_what_is_committed_is_what_is_generated():
    folder = ROOT / "generated" / "javascript"
    assert {path.name for path in folder.iterdir()} == {f"{name}.js" for name in names()}
    for name in SOME:
        assert (folder / f"{name}.js").read_text(encoding="utf-8") == text_of(name)


HASHES = """
import hashlib, sys
sys.path.insert(0, "tests")
import test_javascript_text as t
for name in t.VECTORS:
    for store in t.STORES:
        print(name, store, hashlib.sha256(t.text_of(name, store).encode()).hexdigest())
"""


@every
def test_the_same_bytes_whatever_the_hashes():
    def printed(seed):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", HASHES], cwd=ROOT, env=env, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return done.stdout

    assert printed("1") == printed("2") != ""


def test_the_command_writes_it(tmp_path):
    arguments = ["generate", "lstm", "--backend", "javascript", "--store", "everything"]
    result = CliRunner().invoke(main, [*arguments, "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "lstm.js").read_text(encoding="utf-8") == text_of("lstm", "everything")


def routines(text):
    """The text of each routine, without what it says to people."""
    code = PROSE.sub('""', text)
    found = re.findall(r"^export function (forward|backward|step)\(.*?^}", code, re.M | re.S)
    assert found == ["forward", "backward", "step"]
    return [m[0] for m in re.finditer(r"^export function (?:f|b|step).*?^}", code, re.M | re.S)]


def words(code):
    """The names that stand for something: no properties, and no keys of objects."""
    code = re.sub(r"\b\d[\w.-]*|\.\w+|\b\w+:(?= )", "", code)
    return set(re.findall(r"[A-Za-z_]\w*", code))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", FEW)
def test_templates_say_no_word_that_is_not_listed(name, store):
    """A name in a routine was given out by `Names`, or is one that nothing else may have."""
    module = module_of(name, store)
    text = render("javascript/module.js.j2", module=module)
    given = set(module.names.given.values())
    for code in routines(text):
        assert words(code) <= given | WORDS


def test_what_a_module_defines_is_listed():
    for name in (*SOME, *SEVERAL):
        text = text_of(name)
        defined = re.findall(r"^(?:export )?(?:function|class|const) (\w+)", text, re.M)
        assert len(defined) > 10 and set(defined) <= WORDS
        assert len(set(defined)) == len(defined)
    assert LANGUAGE < WORDS


@pytest.mark.parametrize("name", FEW)
def test_every_function_of_a_module_is_called(name):
    for store in STORES:
        code = PROSE.sub('""', text_of(name, store).replace("${", "` + ").replace("}`", "`"))
        for helper in re.findall(r"^function (\w+)", code, re.M):
            assert len(re.findall(rf"\b{helper}\(", code)) > 1 or helper == "shown", helper


@pytest.mark.parametrize("name", sampled([*VECTORS, "fast_weights", *SEVERAL], [*SOME, "t_lstm"]))
def test_no_name_is_declared_in_vain(name):
    for store in STORES:
        for code in routines(text_of(name, store)):
            taken = " ".join(re.findall(r"\bconst \{([^}]*)\} = [a-z]", code))
            own = re.findall(r"\bconst (\w+) =", code) + re.findall(r"\w+(?=,|\s|$)", taken)
            for declared in own:
                assert len(re.findall(rf"\b{declared}\b", code)) > 1, declared


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("name", FEW)
def test_lines_are_short_and_folding_changes_nothing_else(name, store):
    whole = render("javascript/module.js.j2", module=module_of(name, store))
    text = folded(whole)
    code = re.sub(r"String\.raw`.*?`", "", text, flags=re.DOTALL)
    long = [row for row in code.split("\n") if len(row) > WIDTH and not row.startswith(" *")]
    assert not long
    assert "\n\n\n" not in text and not re.search(r"[ \t]$", text, re.M)
    one, other = (
        re.sub(r",?\s+(?=[\])}])|\s+|(?<=[(\[{])\s+|^ *//", " ", t) for t in (whole, text)
    )
    assert tokens(one) == tokens(other)
    assert folded(text) == text


def tokens(text):
    """The text without space, commas before a closing bracket, and marks of comments."""
    text = re.sub(r"//", "", text)
    return re.sub(r",(?=[\])}])", "", re.sub(r"\s+", "", text))


def test_a_module_has_its_cell_s_latex_and_equations():
    text, cell = text_of("lstm"), load("lstm")
    assert short_block(Program(cell).derivation).strip() in text
    for line in ("c_next = f * c + i * g", "const c_next = f * c + i * g;"):
        assert line in text


def test_what_an_author_says_ends_no_comment():
    cell = replace(load("rnn"), doc="Ends */ here.\n\nAnd `${there}` */ alert(1) /*", title="*/ x")
    (text,) = files(Program(cell, "all", PER_BYTE)).values()
    head = text[: text.index("export const LATEX")]
    assert head.count("*/") == 1 and head.rstrip().endswith("*/")


@pytest.mark.parametrize("name", ["lstm", "slstm"])
def test_only_what_keeps_everything_returns_it(name):
    for store in STORES:
        text = text_of(name, store)
        is_all = store == "everything"
        assert ("values: {" in text) is is_all and ("adjoints: {" in text) is is_all


def test_sequences_that_have_ended_cost_nothing_where_nothing_was_there():
    assert "if (t >= lengths[seq]) continue;" in text_of("lstm")
