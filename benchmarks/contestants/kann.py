"""KANN: its LSTM in C, with its own kernels, compiled with the flags of our C and called directly.

It computes no gradients by the inputs, so it does less than the others. Its memory for a sequence
is there before it runs. It is compiled from source, in the folder that the variable KANN names.
"""

from __future__ import annotations

import ctypes
import subprocess
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import BOTH, FORWARD
from benchmarks.missing import kann_source
from benchmarks.problem import Array, Arrays, Problem
from derive import build

GATES, LETTERS = "ifgo", "WUb"


def lstm(problem: Problem, threads: int) -> Tasks:
    T, B, I, H = problem.shape
    library = compiled()
    scaled = T * B * problem.dys  # its loss is a mean over both
    rows = [pointers(problem.xs), pointers(scaled)]
    network = ctypes.c_void_p(library.network_new(T, B, I, H, threads, *rows))

    def views(function: Any) -> Iterator[tuple[str, Array]]:
        for g, gate in enumerate(GATES):
            for w, letter in enumerate(LETTERS):
                name = f"{letter}_{gate}"
                yield (
                    name,
                    np.ctypeslib.as_array(function(network, g, w), problem.params[name].shape),
                )

    for name, view in views(library.network_weight):
        view[...] = problem.params[name]

    def outputs(_: Any) -> Arrays:
        ys = np.empty((T, B, H), np.float32)
        library.network_outputs(network, pointer(ys))
        return {"ys": ys}

    def gradients(_: Any) -> Arrays:
        return {name: view.copy() for name, view in views(library.network_gradient)}

    tasks = {
        FORWARD: Task(lambda: library.network_forward(network), outputs),
        BOTH: Task(lambda: library.network_both(network), lambda _: {**outputs(_), **gradients(_)}),
    }
    return Kept(tasks, network, rows, problem.xs, scaled, library.network_delete)


class Kept(dict[str, Task]):
    """Tasks, and what must live as long as they do."""

    def __init__(self, tasks: Tasks, network: Any, *held: Any) -> None:
        super().__init__(tasks)
        *self.held, delete = held
        weakref.finalize(self, delete, network)


def pointer(array: Array) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def pointers(array: Array) -> Any:
    """A pointer to each step's part."""
    return (ctypes.POINTER(ctypes.c_float) * len(array))(*map(pointer, array))


@cache
def compiled() -> ctypes.CDLL:
    """KANN and the functions in kann.c."""
    source, compiler = kann_source(), build.compiler()
    files = [Path(__file__).with_name("kann.c"), source / "kann.c", source / "kautodiff.c"]
    with TemporaryDirectory() as folder:
        library = Path(folder, "kann.so")
        command = [*compiler.command, "-O3", *compiler.flags, "-fPIC", "-shared", "-DHAVE_PTHREAD"]
        command += [f"-I{source}", *map(str, files), "-o", str(library), "-lpthread", "-lm"]
        subprocess.run(command, check=True)
        found = ctypes.CDLL(str(library))
    found.network_new.restype = ctypes.c_void_p
    found.network_weight.restype = ctypes.POINTER(ctypes.c_float)
    found.network_gradient.restype = ctypes.POINTER(ctypes.c_float)
    return found
