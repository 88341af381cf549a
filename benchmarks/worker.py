"""A contestant's process: a line of JSON comes in, a line of JSON goes out.

`{"cell", "shape", "measure"}` says what is asked about, and with it one of

- `"results": path` runs it once and leaves what it returns there, for `benchmarks.agree`;
- `"seconds": s` calls it once untimed, so that its threads and caches are awake, then for about so
  long, and answers the median and the number of calls;
- `"memory": true` answers how far a call's memory peaks above what lay there before, when all that
  a library loads has been loaded, at another size.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.contestants import CONTESTANTS
from benchmarks.contestants.task import Tasks
from benchmarks.grid import SMALL, Shape
from benchmarks.problem import Problem

Request = dict[str, Any]


def main(contestant: str, threads: int) -> None:
    """Answer until there is no more to answer."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    tasks = Kept(CONTESTANTS[contestant].function(), threads)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(answer(tasks, request)), file=answers, flush=True)


class Kept:
    """The tasks of the cell and shape that were asked about last."""

    def __init__(self, make: Callable[[Problem, int], Tasks], threads: int) -> None:
        self.make, self.threads = make, threads
        self.key: Any = None
        self.tasks: Tasks = {}

    def of(self, cell: str, shape: Iterable[int]) -> Tasks:
        key = cell, Shape(*shape)
        if self.key != key:
            self.tasks = {}
            self.tasks, self.key = self.make(Problem(*key), self.threads), key
        return self.tasks


def answer(kept: Kept, request: Request) -> Any:
    if "memory" in request:
        kept.of(request["cell"], SMALL)[request["measure"]].run()
    task = kept.of(request["cell"], request["shape"])[request["measure"]]
    if "results" in request:
        start = time.perf_counter()
        found = task.run()
        seconds = time.perf_counter() - start
        np.savez(request["results"], **task.named(found))
        return seconds
    if "memory" in request:
        return memory.peak(task.run)
    return turn(task.run, request["seconds"])


def turn(run: Callable[[], Any], seconds: float) -> tuple[float, int]:
    """The median of the calls in about so many seconds, and how many they were."""
    gc.collect()
    gc.disable()
    run()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    gc.enable()
    return median(times), len(times)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
