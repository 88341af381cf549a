"""Programs in C: compiled, with every warning an error, and run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from some_cells import every

STRICT = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror".split()
SANITIZED = "-O0 -g -fsanitize=address,undefined -fno-sanitize-recover=all".split()


def compilers(few):
    """Compilers as parameters of a test, of which all but the first few are left to `make
    test-long`. Those that are not there are named among what was skipped."""
    absent = {name: f"{name} is not installed" for name in ("gcc", "clang")}
    return [
        pytest.param(
            name,
            marks=[
                pytest.mark.skipif(not shutil.which(name), reason=reason),
                *[every] * (n >= few),
            ],
        )
        for n, (name, reason) in enumerate(absent.items())
    ]


COMPILERS, ONE = compilers(2), compilers(1)


def run(compiler, sources, folder, flags=("-O2",), arguments=()):
    """What a program prints. It is compiled from files, with the headers that lie in the folder."""
    program = Path(folder, f"program_{compiler}")
    compiled = subprocess.run(
        [compiler, *STRICT, *flags, f"-I{folder}", *map(str, sources), "-o", program, "-lm"],
        capture_output=True,
        text=True,
    )
    assert compiled.returncode == 0, compiled.stderr
    assert not compiled.stderr
    given = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # no program here frees anything
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=given)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
