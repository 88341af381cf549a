"""Compilers have nothing to say of generated C, and its functions are as accurate as they say."""

from __future__ import annotations

import ctypes
import subprocess
from functools import cache

import numpy as np
import pytest
from c_programs import COMPILERS, STRICT
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


FEW = ("slstm", "words", "still", "hostile_0")  # in `make test`
SPECIMENS = [pytest.param(s, marks=[every] * (s not in FEW)) for s in (*SPECS, *OTHERS)]
STORES = ("all", "states", "everything")


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


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("spec", SPECIMENS)
def test_no_warning(spec, compiler):
    """With and without threads, in either precision, whatever is stored; as C and, the header, as
    C++."""
    cell = OTHERS[spec] if spec in OTHERS else load(spec)
    for store in STORES:
        source = source_of(cell, store)
        for way in ways(compiler) if store == "all" else WAYS[:1]:
            flags = [flag.format(cell.name.upper()) for flag in way]
            silent(compiler, *STRICT, *flags, "-fsyntax-only", source)
    silent(
        {"gcc": "g++", "clang": "clang++"}[compiler], "-x", "c++", "-Wall", "-Wextra", "-Wpedantic",
        "-Werror", "-fsyntax-only", source.with_suffix(".h").rename(source.with_suffix(".hpp")),
    )  # fmt: skip


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("spec", sampled(SPECS, ["slstm"]))
def test_no_warning_when_it_is_optimised(spec, compiler):
    """Which finds out more."""
    source = source_of(load(spec))
    silent(compiler, *STRICT, "-O2", "-c", source, "-o", source.with_suffix(".o"))


# --- accuracy -------------------------------------------------------------------------------------

EXACT = {
    "sigmoid": lambda x: np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x))),
    "r_tanh": np.tanh,
    "r_exp": np.exp,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "log_sigmoid": lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
}
ALL = "sigmoid(h) + tanh(h) + exp(h) + softplus(h) + log_sigmoid(h)"
# Of NaN, infinity, -infinity, 0 and -0.
NO_NUMBERS = {
    "sigmoid": [np.nan, 1, 0, 0.5, 0.5],
    "r_tanh": [np.nan, 1, -1, 0, 0],
    "r_exp": [np.nan, np.inf, 0, 1, 1],
    "softplus": [np.nan, np.inf, 0, np.log(2), np.log(2)],
    "log_sigmoid": [np.nan, 0, -np.inf, -np.log(2), -np.log(2)],
}
EACH = "void each_{0}(const real *x, real *y, size_t n) {{ while (n--) *y++ = {0}(*x++); }}\n"


@pytest.fixture(scope="module", params=[("-O1",), ("-O3", "-march=native")], ids=" ".join)
def functions(request):
    """A library of the functions of a generated file, for each dtype."""
    cell = body(["x, h, W = Input(), State(), Matrix(H, I)", "h_next = W @ x + " + ALL])
    source = source_of(cell)
    more = source.with_name("each.c")
    more.write_text(f'#include "{source.name}"\n' + "".join(map(EACH.format, EXACT)))
    found = {}
    for dtype, define in (("f", []), ("d", [f"-D{cell.name.upper()}_DOUBLE"])):
        library = source.with_name(f"{dtype}{build.SUFFIX}")
        flags = [*build.ALWAYS, *request.param, *define]
        line = [*build.compiler().command, *flags, more, "-o", library, *build.LIBRARY]
        silent(*line)
        found[dtype] = ctypes.CDLL(str(library))
    return found


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_functions_are_within_four_units_in_the_last_place(functions, dtype, name):
    """Over all magnitudes and signs, and densely where they bend. What is too small to be a normal
    number may be 0."""
    limits = np.finfo(dtype)
    wide = np.longdouble if dtype == "d" else np.float64
    assert np.finfo(wide).nmant > limits.nmant + 8, "a reference that is wider"
    sizes = np.geomspace(limits.tiny, 1e4, 40_001)
    x = np.concatenate([-sizes, sizes, [0.0], np.linspace(-20, 20, 200_001)]).astype(dtype)
    y = np.empty_like(x)
    getattr(functions[dtype], f"each_{name}")(
        *(ctypes.c_void_p(array.ctypes.data) for array in (x, y)), ctypes.c_size_t(x.size)
    )
    with np.errstate(all="ignore"):
        right = EXACT[name](x.astype(wide))
        unit = np.spacing(np.maximum(np.abs(right), limits.tiny).astype(dtype)).astype(wide)
        off = np.abs(y - right) / unit
    is_normal = (np.abs(right) >= limits.tiny) & (np.abs(right) <= limits.max)
    assert off[is_normal].max() <= 4
    assert np.all(np.abs(y[np.abs(right) < limits.tiny]) <= limits.tiny)
    assert np.all(np.isinf(y[np.abs(right) > wide(limits.max) * (1 + wide(limits.eps))]))


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_functions_of_what_is_no_number(functions, dtype, name):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype)
    y = np.empty_like(x)
    getattr(functions[dtype], f"each_{name}")(
        *(ctypes.c_void_p(array.ctypes.data) for array in (x, y)), ctypes.c_size_t(x.size)
    )
    np.testing.assert_allclose(y, NO_NUMBERS[name], rtol=1e-6)
