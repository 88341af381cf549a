"""Compiles every mutant of C, each in a process of its own, and holds it to `compiled_proof`.

It is compiled in several ways, the quickest first, until one fails: without optimisation, so that
compiling is quick; for vectors of other widths and without any; by another compiler; with threads;
with undefined behaviour trapped. A way in which a change does not show once the text has gone
through the preprocessor is not tried. Where blocks of rows begin and end does not matter for the
numbers, so that in most ways they are small, and few rows make several. What passes all that may
give a compiler nothing to say.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import c_functions
from c_programs import STRICT

from mutation.c import NOTICED, unchanged
from mutation.c_text import COMMENT
from mutation.mutant import Mutant, Verdict
from mutation.processes import forked
from mutation.subjects import Subject

ROOT = Path(__file__).parents[2]
LIMIT = 10  # seconds that a cell may compute; it takes one
PATIENT = 60  # seconds that making its texts may take as well
SMALL = {"WIDEST": 4, "ENOUGH": 3, "CHUNK": 3, "DEPTH": 5, "WORTH": 0}
LINKED = ("-fPIC", "-shared", "-lm")
ERRORS = tuple(
    f"-Werror={what}"
    for what in (
        "implicit-function-declaration", "int-conversion", "incompatible-pointer-types",
        "discarded-qualifiers", "return-type", "uninitialized",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """A way of compiling: the compiler and its flags, the numbers' type, threads, whether blocks
    are small, and in how many of the cells that a change shows in it is tried."""

    flags: tuple[str, ...] = ("-O0",)
    compiler: str = "gcc"
    dtype: str = "d"
    threads: int = 1
    is_small: bool = True
    cells: int = 2


TRAPS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
WAYS = (
    Way(cells=len(NOTICED)),
    Way(dtype="f", cells=3),
    Way(("-O0", "-U__SSE2__")),
    Way(("-O0", "-mavx2")),
    Way(("-O0", "-mavx512f"), is_small=False),
    Way(("-O1", "-fopenmp"), threads=3, cells=1),
    Way(("-O1", *TRAPS), is_small=False, cells=1),
    Way(compiler="clang", cells=1),
)


@cache
def there() -> tuple[Way, ...]:
    """The ways that this machine has, and can run."""
    about = Path("/proc/cpuinfo")
    known = set(about.read_text(encoding="utf-8").split()) if about.exists() else set()
    return tuple(
        way for way in WAYS
        if shutil.which(way.compiler)
        and all(f[2:] in known for f in way.flags if f.startswith("-mavx"))
    )  # fmt: skip


# What has to survive before anything is changed; tests/test_mutants.py tries all cells in all ways.
RIGHT = [(WAYS[0], s) for s in NOTICED] + [(w, NOTICED[0]) for w in there()[1:]]


def run(mutants: Sequence[Mutant], jobs: int, tell: Callable[[Verdict], None]) -> list[str]:
    """Try every mutant, and tell of each. Returns the ways that fail on what is right."""
    sys.path.insert(0, str(ROOT / "tests"))
    tasks = [(lambda w=w, s=s: fails(s, unchanged(s), w)) for w, s in RIGHT]
    said = forked(tasks, jobs, PATIENT)
    broken = [f"{s} {w}: {by}" for (w, s), by in zip(RIGHT, said, strict=True) if by != ""]
    if broken:
        return broken
    prepare()
    gc.freeze()
    results = forked([(lambda m=m: attempt(m)) for m in mutants], jobs, PATIENT)
    for mutant, by in zip(mutants, results, strict=True):
        tell(Verdict(mutant, by))
    return []


def prepare() -> None:
    """What all mutants need, before the forks."""
    from mutation import compiled_proof

    for name in c_functions.EXACT:
        c_functions.exact(name, "d")
        c_functions.exact(name, "f")
    for subject in NOTICED:
        compiled_proof.interface(subject)
        compiled_proof.right(subject, "d")
        compiled_proof.right(subject, "f")
        for way in there():
            preprocessed_right(subject, way)


def attempt(mutant: Mutant) -> str | None:
    """What a mutant is killed by; see `Verdict`."""
    seen: list[tuple[Subject, str]] = []
    try:
        for subject, text in mutant.modules():
            if code(text) != code(unchanged(subject)):
                seen.append((subject, text))
                if shows(subject, text, WAYS[0]) and (by := fails(subject, text, WAYS[0])) != "":
                    return by
    except SyntaxError:
        return None
    except Exception as error:
        return f"generating it: {type(error).__name__}"
    if not seen:
        return None
    for way in there()[1:]:
        shown = ((s, text) for s, text in seen if shows(s, text, way))
        for (subject, text), _ in zip(shown, range(way.cells), strict=False):
            if (by := fails(subject, text, way)) != "":
                return by
    return next((f"{subject} warning" for subject, text in seen if warns(subject, text)), "")


@cache
def code(text: str) -> str:
    """What of a file says something to a machine."""
    return COMMENT.sub("", text)


def warns(subject: Subject, text: str) -> bool:
    """Whether a compiler has something to say of it: of functions that nothing calls, it says so
    only where it compiles; of those that the header does not declare, where it is asked to."""
    return any(warnings(subject, text, way) for way in WAYS[:2])


def warnings(subject: Subject, text: str, way: Way) -> str:
    """What a compiler says of it, for numbers of one type."""
    known = [word for word in command(subject, way) if word != "-w"]
    line = [*known, *STRICT, "-Wmissing-prototypes", "-S", "-o", os.devnull, "-x", "c", "-"]
    return subprocess.run(line, input=text, capture_output=True, text=True, check=False).stderr


def fails(subject: Subject, text: str, way: Way) -> str | None:
    """What is wrong with a file, compiled in one way: empty for nothing, None if it is no C."""
    from mutation.compiled_proof import prove

    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        library = Path(folder, "library.so")
        if not compiled(subject, text, way, library):
            return None
        died = in_a_child(lambda: prove(subject, text, library, way.dtype, way.threads))
    return f"{subject} {died}" if died else ""


def in_a_child(task: Callable[[], None]) -> str:
    """What goes wrong while something is done; a crash as well."""

    def said() -> str:
        try:
            task()
        except Exception as error:
            return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return ""

    (result,) = forked([said], 1, LIMIT)
    return str(result)


def compiled(subject: Subject, text: str, way: Way, library: Path) -> bool:
    """Whether a library comes of it."""
    source = library.with_suffix(".c")
    source.write_text(c_functions.with_each(adapted(text, way)), encoding="utf-8")
    line = [*command(subject, way), str(source), "-o", str(library), *LINKED]
    return not subprocess.run(line, capture_output=True, check=False).returncode


def shows(subject: Subject, text: str, way: Way) -> bool:
    """Whether a change is there once the text has gone through the preprocessor."""
    return preprocessed(subject, text, way) != preprocessed_right(subject, way)


@cache
def preprocessed_right(subject: Subject, way: Way) -> str:
    """The right text, when it has gone through the preprocessor."""
    return preprocessed(subject, unchanged(subject), way)


def preprocessed(subject: Subject, text: str, way: Way) -> str:
    """What compilers compile, without what is spaces."""
    line = [*command(subject, way), "-E", "-P", "-x", "c", "-"]
    done = subprocess.run(line, input=adapted(text, way), capture_output=True, text=True,
                          check=False)  # fmt: skip
    return " ".join(done.stdout.split()) if not done.returncode else done.stderr


def command(subject: Subject, way: Way) -> Sequence[str]:
    """The compiler with its flags."""
    define = [f"-D{subject.name.upper()}_DOUBLE"] * (way.dtype == "d")
    errors = ERRORS if way.compiler == "gcc" else ERRORS[:2]
    return [way.compiler, "-std=c99", "-w", *errors, *way.flags, *define]


def adapted(text: str, way: Way) -> str:
    """The text, with small blocks."""
    for name, size in SMALL.items() if way.is_small else ():
        text = re.sub(rf"^(#define {name}) (?:64|8|256|2e7)\b", rf"\1 {size}", text, flags=re.M)
    return text
