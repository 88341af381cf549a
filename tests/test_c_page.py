"""What docs/c.md shows is what happens: its commands and programs are run, one after the other."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from derive.build import compiler

pytestmark = pytest.mark.compiler

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "c.md"
C = shlex.join([shutil.which(compiler().command[0]), *compiler().command[1:]])


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What each block prints that is run: a list of pairs, what is shown and what came."""
    folder = tmp_path_factory.mktemp("page")
    programs = folder / "bin"
    programs.mkdir()
    for name, does in (("derive", f"{sys.executable} -m derive"), ("cc", C)):
        (programs / name).write_text(f'#!/bin/sh\nexec {does} "$@"\n')
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    own = os.pathsep.join(map(str, (folder, ROOT)))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": own, "CFLAGS": "-O0"}

    def run(*command, **more):
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
            **more,
        ).stdout

    pairs = []
    for kind, text in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        if kind == "c":
            (folder / "main.c").write_text(text)
        elif kind == "python":
            pairs.append(("", run(sys.executable, "-c", text)))
        else:
            assert kind == "console"
            for line, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.M):
                line = line.replace("make example-c", EXAMPLE)
                pairs.append((shown, run("sh", "-ec", line)))
    return pairs


# As the Makefile does it, in the folder of the page.
EXAMPLE = f"""
derive generate gru --quiet --backend c -o build
cc -std=c99 -O2 -Ibuild {ROOT}/examples/movements.c build/gru.c -lm -o movements
./movements"""


def test_commands_print_what_the_page_shows(told):
    shown = [(wanted, came) for wanted, came in told if wanted and "…" not in wanted]
    assert len(shown) >= 2
    for wanted, came in shown:
        assert came == wanted


def test_numpy_c_and_the_compiled_module_give_the_same(told):
    numbers = [came for _, came in told if re.fullmatch(r"[-\d. ]+\n", came)]
    assert len(numbers) == 3
    first, *others = ([float(word) for word in line.split()] for line in numbers)
    assert len(first) == 3 and all(first)
    for other in others:
        assert other == pytest.approx(first, abs=2e-5)


def test_the_example_prints_lines_as_the_page_shows_them(told):
    ((wanted, came),) = [(wanted, came) for wanted, came in told if "…" in wanted]
    printed = {masked(line) for line in came.splitlines()}
    for line in wanted.splitlines():
        assert line == "…" or masked(line) in printed, line


def masked(line):
    """A line whose numbers, and which movement it is, do not matter."""
    return re.sub(r"[\d.]+|still|walking|shaking|turning|\s+", "", line)


def test_make_runs_the_same_example():
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.partition("\nexample-c:")[2].partition("\n\n")[0]
    for word in (
        "derive generate gru --backend c",
        "examples/movements.c",
        "gru.c",
        "-std=c99 -O2",
    ):
        assert word in recipe
