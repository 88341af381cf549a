"""The example that goes from a cell of one's own to PyTorch, ONNX and C, with a few rounds."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from c_programs import COMPILERS, STRICT

pytestmark = [pytest.mark.peers, pytest.mark.compiler]
ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "typist.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the commands of the page put what they make."""
    made = tmp_path_factory.mktemp("typist")
    for line in commands(made):
        run(line)
    return made


def commands(folder):
    """Those of the page in their order, with a few rounds of training."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for block in [text for language, text in blocks if not language]:
        for line in block.replace("build/typist", str(folder)).splitlines():
            yield line + " --rounds 20" * ("train.py" in line)


def run(line):
    words = shlex.split(line)
    command = {"derive": [sys.executable, "-m", "derive"], "python": [sys.executable]}
    words[:1] = command.get(words[0], words[:1])
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_the_commands_of_the_target():
    """In `make example-typist`, which anybody can run."""
    target = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(TYPIST)", "build/typist")
    for line in commands("build/typist"):
        words = line.removesuffix(" --rounds 20").split(" ", 1)[1]
        assert words in target, line


def test_the_page_shows_the_cell():
    (shown,) = re.findall(r"^(class Typist.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    source = (ROOT / "examples" / "typist" / "typist.py").read_text(encoding="utf-8")
    assert re.sub(r'    """.*?"""\n\n', "", source, flags=re.DOTALL).endswith(shown)


def test_all_three_agree(folder):
    said = run(f"python examples/typist/compare.py {folder}").splitlines()
    assert [line.split()[0] for line in said] == ["PyTorch", "onnxruntime", "C"]
    assert len({line.split()[1] for line in said}) == 1


def test_a_few_rounds_are_better_than_none(folder):
    """Than guessing among all characters alike: 5.2 bits."""
    said = run(f"python examples/typist/compare.py {folder}")
    assert float(said.split()[1]) < 5


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compilers_have_nothing_to_say_of_it(folder, compiler):
    program = ROOT / "examples" / "typist" / "keyboard.c"
    line = [compiler, *STRICT, f"-I{folder}", "-fsyntax-only", program]
    run(shlex.join(map(str, line)))


def test_it_writes_on(folder):
    said = run(f"{folder}/keyboard 'the with statement '")
    assert said.startswith("the with statement |") and len(said) == 321
    usage = subprocess.run([folder / "keyboard"], capture_output=True, text=True)
    assert usage.returncode == 1 and "usage" in usage.stderr
