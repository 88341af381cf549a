"""Before anything is timed: do all compute the same? The measure is our NumPy code in float64.

Two arrays differ by the norm of their difference, relative to the norm of the one in float64: where
one element in a million is wrong, it shows. How much float32 rounds off depends on the cell, the
steps and the derivatives, so it is measured: a contestant may differ by ten times what our own
NumPy code does in float32, or by 1e-5 where that is less.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.contestants import CONTESTANTS, PRODUCTS, ours
from benchmarks.grid import Shape
from benchmarks.problem import Array, Arrays, Problem
from benchmarks.process import BenchmarkError, Process

LEAST, MOST = 1e-5, 1e-2
TIMES = 10


@lru_cache(maxsize=8)
def reference(cell: str, shape: Shape, measure: str) -> Arrays:
    """What our NumPy code computes in float64."""
    return computed(cell, shape, measure, np.float64)


@lru_cache(maxsize=8)
def bounds(cell: str, shape: Shape, measure: str) -> dict[str, float]:
    """How much each result may differ."""
    rounded = computed(cell, shape, measure, np.float32)
    exact = reference(cell, shape, measure)
    lost = {name: difference(rounded[name], exact[name]) for name in exact}
    return {name: min(MOST, max(LEAST, TIMES * each)) for name, each in lost.items()}


def computed(cell: str, shape: Shape, measure: str, dtype: type) -> Arrays:
    task = ours.numpy(Problem(cell, shape, dtype), 1)[measure]
    return task.named(task.run())


def difference(one: Array, exact: Array) -> float:
    return float(np.linalg.norm(one - exact) / np.linalg.norm(exact))


def check(process: Process, cell: str, shape: Shape, measure: str) -> float:
    """The seconds of a contestant's first call.

    Raises BenchmarkError, in a sentence, unless its results are those of the reference.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "results.npz"
        seconds: float = process.ask(cell, shape, measure, results=str(path))
        if process.contestant in PRODUCTS:  # they compute nothing of the cell's
            return seconds
        with np.load(path) as results:
            found = dict(results)
    contestant = CONTESTANTS[process.contestant]
    where = f"{contestant.title}, {cell} {shape}, {measure}"
    exact = {k: v for k, v in reference(cell, shape, measure).items() if k not in contestant.omits}
    if found.keys() != exact.keys():
        odd = ", ".join(sorted(found.keys() ^ exact.keys()))
        raise BenchmarkError(f"{where}: one side alone has {odd}")
    for name, bound in bounds(cell, shape, measure).items():
        if name in exact and not (error := difference(found[name], exact[name])) <= bound:
            raise BenchmarkError(
                f"{where}: {name} differs from ours by {error:.0e}, more than {bound:.0e}"
            )
    return seconds
