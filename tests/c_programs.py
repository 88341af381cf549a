"""Programs in C: compiled, with every warning an error, and run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

STRICT = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror".split()
SANITIZED = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all".split()
# Those that are not there are named among what was skipped.
COMPILERS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(not shutil.which(name), reason=f"{name} is not installed"),
    )
    for name in ("gcc", "clang")
]


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
