"""Compilers have nothing to say of generated C, and its functions are as accurate as they say."""

from __future__ import annotations

import ctypes
import subprocess
from functools import cache

import c_functions
import pytest
from c_programs import COMPILERS, ONE, STRICT
from compiled import folder
from some_cells import every, sampled
from test_library import SPECS
from test_names import TOGETHER, body, written
from written_cells import IDLE, MATRICES, READABLE, UNPLEASANT

from derive import build
from derive.backends.c import POLICY, files
from derive.library import load
from derive.program.program import Program

pytestmark = pytest.mark.compiler
WAYS = [(), ("-fopenmp",), ("-D{}_DOUBLE",), ("-fopenmp", "-D{}_DOUBLE")]
OTHERS = {
    **{cell.name: cell for cell in (*READABLE, *MATRICES, *UNPLEASANT, *IDLE)},
    **{f"hostile_{n}": written(names) for n, names in enumerate(TOGETHER.values())},
}


FEW = {"gcc": ("slstm", "words", "still", "hostile_0"), "clang": ("words",)}  # in `make test`
SPECIMENS = [
    pytest.param(*compiler.values, spec, marks=[*compiler.marks, *[every] * (spec not in few)])
    for compiler, few in zip(COMPILERS, FEW.values(), strict=True)
    for spec in (*SPECS, *OTHERS)
]
STORES = ("all", "states", "checkpoints", "everything")


def source_of(cell, store="all"):
    """A cell's file, with its header beside it."""
    place = folder()
    for name, text in files(Program(cell, store, POLICY)).items():
        (place / name).write_text(text, encoding="utf-8")
    return place / f"{cell.name}.c"


@cache
def ways(compiler):
    """How it may be compiled: with threads only where the compiler has them, with gcc always."""
    line = [compiler, "-fopenmp", "-include", "omp.h", "-E", "-x", "c", "/dev/null"]
    has_threads = compiler == "gcc" or not subprocess.run(line, capture_output=True).returncode
    return [way for way in WAYS if has_threads or "-fopenmp" not in way]


def silent(*line):
    done = subprocess.run([*map(str, line)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("compiler", "spec"), SPECIMENS)
def test_no_warning(compiler, spec):
    """With and without threads, in either precision, whatever is stored; as C and, the header, as
    C++."""
    cell = OTHERS[spec] if spec in OTHERS else load(spec)
    for store in STORES:
        source = source_of(cell, store)
        for way in ways(compiler) if store in ("all", "checkpoints") else WAYS[:1]:
            flags = [flag.format(cell.name.upper()) for flag in way]
            silent(compiler, *STRICT, *flags, "-fsyntax-only", source)
    silent(
        {"gcc": "g++", "clang": "clang++"}[compiler], "-x", "c++", "-Wall", "-Wextra", "-Wpedantic",
        "-Werror", "-fsyntax-only", source.with_suffix(".h").rename(source.with_suffix(".hpp")),
    )  # fmt: skip


@pytest.mark.parametrize("compiler", ONE)
@pytest.mark.parametrize("spec", sampled(SPECS, ["slstm"]))
def test_no_warning_when_it_is_optimised(spec, compiler):
    """Which finds out more."""
    source = source_of(load(spec))
    silent(compiler, *STRICT, "-O2", "-c", source, "-o", source.with_suffix(".o"))


# --- accuracy -------------------------------------------------------------------------------------

ALL = (
    "sigmoid(h) + tanh(h) + exp(h) + softplus(h) + log_sigmoid(h) + relu(h) + sign(h)"
    " + where(h > 1, 1, 0) + maximum(h, 2)"
)


@pytest.fixture(scope="module", params=[("-O1",), ("-O3", "-march=native")], ids=" ".join)
def functions(request):
    """A library of the functions of a generated file, for each dtype."""
    cell = body(["x, h, W = Input(), State(), Matrix(H, I)", "h_next = W @ x + " + ALL])
    source = source_of(cell)
    source.write_text(c_functions.with_each(source.read_text(encoding="utf-8")), encoding="utf-8")
    found = {}
    for dtype, define in (("f", []), ("d", [f"-D{cell.name.upper()}_DOUBLE"])):
        library = source.with_name(f"{dtype}{build.SUFFIX}")
        flags = [*build.ALWAYS, *request.param, *define]
        line = [*build.compiler().command, *flags, source, "-o", library, *build.LIBRARY]
        silent(*line)
        found[dtype] = ctypes.CDLL(str(library))
    return found


@pytest.mark.parametrize("name", c_functions.EXACT)
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_functions_are_within_four_units_in_the_last_place(functions, dtype, name):
    c_functions.is_accurate(functions[dtype], dtype, name)


@pytest.mark.parametrize("name", c_functions.EXACT)
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_functions_of_what_is_no_number(functions, dtype, name):
    c_functions.passes_on_what_is_no_number(functions[dtype], dtype, name)


@pytest.mark.parametrize("name", c_functions.CORNERS)
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_functions_turn_their_corners(functions, dtype, name):
    c_functions.turns_its_corners(functions[dtype], dtype, name)
