"""Before anything is timed: do all compute the same? The measure is our NumPy code in float64.

What float32 rounds off grows over steps and with derivatives: what is asked for is a thousand times
coarser than its precision, and far finer than any mistake in an equation or a gradient.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.contestants import CONTESTANTS, PRODUCTS, ours
from benchmarks.grid import HVP, Shape
from benchmarks.problem import Arrays, Problem
from benchmarks.process import BenchmarkError, Process

BOUND = 1e-4  # of the largest element


@lru_cache(maxsize=8)
def reference(cell: str, shape: Shape, measure: str) -> Arrays:
    """What our NumPy code computes in float64."""
    task = ours.numpy(Problem(cell, shape, np.float64), 1)[measure]
    return task.named(task.run())


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
    title = CONTESTANTS[process.contestant].title
    where = f"{title}, {cell} {shape}, {measure}"
    expected = reference(cell, shape, measure)
    if found.keys() != expected.keys():
        odd = ", ".join(sorted(found.keys() ^ expected.keys()))
        raise BenchmarkError(f"{where}: one side alone has {odd}")
    for name, wanted in expected.items():
        error = np.abs(found[name] - wanted).max() / np.abs(wanted).max()
        if not error < BOUND * (10 if measure == HVP else 1):
            raise BenchmarkError(
                f"{where}: {name} differs from ours by {error:.0e} of its largest element"
            )
    return seconds
