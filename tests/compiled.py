"""Compiled cells, for tests: as a person gets them, or many at once and quickly rather than well;
and the same calls on any module of a cell, whatever computes it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType

import numpy as np
import reference
from test_cells_random import SIZES

from derive import build
from derive.backends.c import POLICY, files
from derive.backends.c.binding import binding
from derive.cell import Cell
from derive.library import load
from derive.program.program import Program

QUICKLY = ("-std=c99", "-O0", "-ffp-contract=fast")
DTYPES = ("float32", "float64")
_numbers = count()


@cache
def as_built(spec: str, store: str = "all") -> ModuleType:
    """The compiled module of a built-in cell, as `derive build` makes it."""
    return named(build.compiled(load(spec), store))


def named(module: ModuleType) -> ModuleType:
    """A module under a name of its own, by which pickle finds it."""
    module.__name__ = f"compiled_for_a_test_{next(_numbers)}"
    for thing in vars(module).values():
        if getattr(thing, "__module__", None) == module.__spec__.name:
            thing.__module__ = module.__name__
    return sys.modules.setdefault(module.__name__, module)


def quickly(
    cells: Iterable[Cell], store: str = "all", dtypes: Sequence[str] = DTYPES
) -> list[ModuleType]:
    """The compiled modules of cells, by one call of the compiler for each dtype. A dtype that is
    left out must not be computed with: its library is one of the others."""
    folder = Path(build._folder())
    own = [replace(cell, name=f"{cell.name}_{n}") for n, cell in enumerate(cells)]
    for cell in own:
        program = Program(cell, store, POLICY)
        for name, text in {**files(program), f"{cell.name}.py": binding(program)}.items():
            (folder / name).write_text(text, encoding="utf-8")
    for dtype in dtypes:
        double = [f"-D{cell.name.upper()}_DOUBLE" for cell in own if dtype == "float64"]
        compile_all([folder / f"{cell.name}.c" for cell in own], folder / dtype, *double)
    for cell in own:
        for dtype in DTYPES:
            made = dtype if dtype in dtypes else dtypes[0]
            (folder / f"{cell.name}_{dtype}{build.SUFFIX}").symlink_to(folder / made)
    return [named(build.imported(folder / f"{cell.name}.py")) for cell in own]


def compile_all(sources: Iterable[Path], library: Path, *flags: str) -> None:
    """One library of several files."""
    command = build.compiler().command
    line = [*command, *QUICKLY, *flags, *map(str, sources), "-o", str(library), *build.LIBRARY]
    subprocess.run(line, check=True, capture_output=True, text=True)


@cache
def quick(spec: str, store: str = "all") -> ModuleType:
    """The compiled module of a built-in cell, quickly."""
    (module,) = quickly([load(spec)], store)
    return module


# --- the same calls on any module -----------------------------------------------------------------


class Numbers:
    """Arguments for the modules of a cell, and what these make of them.

    batch    T, B and the lengths, or None
    sizes    by argument, the lengths of axes that are not as `SIZES` has them
    """

    def __init__(self, cell, batch=(4, 3, (4, 0, 2)), dtype=np.float64, scale=0.6, **sizes):
        self.cell, self.dtype, self.scale = cell, np.dtype(dtype), scale
        self.T, self.B, self.lengths = batch
        self.rng = np.random.default_rng(0)
        wanted = {axis.argument: SIZES.get(axis.argument, 4) for axis in cell.axes} | sizes
        self.sizes = {axis.argument: wanted[axis.argument] for axis in cell.axes}
        if cell.input_is_wide:
            self.sizes["input_size"] = self.sizes["hidden_size"]
        self.params, self.params_dot = self.parameters(), self.parameters()
        self.xs, self.xs_dot = self.inputs(), self.inputs()
        self.state, self.state_dot, self.dstate, self.dstate_dot = (self.states() for _ in range(4))
        self.dys, self.dys_dot = (
            self.draw(self.T, self.B, *self.shape(cell.output)) for _ in range(2)
        )

    def draw(self, *shape):
        """Numbers that float32 can hold, so that they are the same in either dtype."""
        drawn = self.rng.normal(size=shape) * self.scale
        return drawn.astype(np.float32).astype(self.dtype)

    def shape(self, q):
        return [self.sizes[axis.argument] for axis in q.axes] or [1]

    def parameters(self):
        return {p.name: self.draw(*self.shape(p) if p.axes else ()) for p in self.cell.parameters}

    def inputs(self):
        axes = [self.shape(q) if q.axes else [] for q in self.cell.inputs]
        return [self.draw(self.T, self.B, *own) for own in axes]

    def states(self):
        return [self.draw(self.B, *self.shape(s)) for s in self.cell.states]

    def results(self, m, lay=lambda array: array):
        """Everything that a module computes, by what it is; `lay` lays arguments out in memory."""
        params, params_dot = (
            self.params_of(m, values) for values in (self.params, self.params_dot)
        )
        xs, xs_dot = (self.given(m, arrays, lay) for arrays in (self.xs, self.xs_dot))
        state, state_dot, dstate, dstate_dot = (
            m.State(*map(lay, arrays))
            for arrays in (self.state, self.state_dot, self.dstate, self.dstate_dot)
        )
        dys, dys_dot = lay(self.dys), lay(self.dys_dot)
        lengths = None if self.lengths is None else np.array(self.lengths)
        found = {}

        def keep(what, *several):
            for number, given in enumerate(several):
                for k, array in enumerate(arrays_of(given)):
                    found[what, number, k] = np.array(array)

        with np.errstate(all="ignore"):
            ys, final, tape = m.forward(params, xs, state, lengths)
            keep("forward", ys, final)
            keep("backward", *m.backward(params, tape, dys, dstate))
            keep("jvp", *m.jvp(params, tape, params_dot, xs_dot, state_dot))
            along = params_dot, xs_dot, state_dot
            keep("hvp", *m.hvp(params, tape, dys, *along, dstate, dys_dot, dstate_dot))
            ys, final, tape = m.forward(params, xs, lengths=lengths)
            keep("forward from the start", ys, final)
            keep("backward from outputs", *m.backward(params, tape, dys))
            keep("jvp from the start", *m.jvp(params, tape, params_dot, xs_dot))
            keep("hvp from outputs", *m.hvp(params, tape, dys, params_dot, xs_dot))
            now = None
            for t in range(self.T):
                x = reference.at(xs, t)
                y, now = m.step(params, x, now, *reference.number(self.cell, t))
                keep(f"step {t}", y, now)
        keep("params afterwards", params)
        return found

    def params_of(self, m, values):
        params = m.Params(*self.sizes.values(), self.dtype)  # an axis may be called dtype
        for name, value in values.items():
            params[name] = value
        return params

    def given(self, m, arrays, lay=lambda array: array):
        laid = [lay(array) for array in arrays]
        return m.Inputs(*laid) if len(laid) > 1 else laid[0]


def arrays_of(result):
    """The arrays in a result, in the order of the modules."""
    if isinstance(result, np.ndarray):
        return [result]
    return result if isinstance(result, tuple) else [result.flat]


def agree(got, want, tolerance=1e-12):
    """Everything is of the same dtype and shape, with the same holes, and nearly the same."""
    assert got.keys() == want.keys()
    for key, right in want.items():
        assert (got[key].dtype, got[key].shape) == (right.dtype, right.shape), key
        scale = 1 + np.abs(right[np.isfinite(right)]).max(initial=0)
        np.testing.assert_allclose(
            got[key], right, rtol=tolerance, atol=tolerance * scale, equal_nan=True,
            err_msg=str(key),
        )  # fmt: skip


def identical(got, want):
    """Everything is the same to the bit, but for the sign of nothing."""
    assert got.keys() == want.keys()
    for key, right in want.items():
        np.testing.assert_array_equal(got[key], right, err_msg=str(key))


def folder() -> Path:
    """A folder until Python ends."""
    return Path(tempfile.mkdtemp(dir=build._folder()))
