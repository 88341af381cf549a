"""Turn by turn, in rounds.

In a round each contestant has a turn: a call that is not timed, then calls for some hundredths of a
second, of which the median counts. Whatever slows the machine down for a while slows all sides of a
round; so a round's ratio says more than its times, and the quartiles of the rounds' ratios say how
sure the ratio of the medians is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import groupby
from typing import Any, NamedTuple

from benchmarks.agree import check
from benchmarks.contestants import CONTESTANTS, PRODUCTS
from benchmarks.plan import Comparison
from benchmarks.process import Process

SLOW = 0.5  # seconds of a call: where the slowest takes more, there are fewer rounds
FEWEST = 3


class Effort(NamedTuple):
    """How much is measured: rounds, the seconds of a turn, and threads of everybody."""

    rounds: int
    seconds: float
    threads: int


class Measured(NamedTuple):
    """A comparison's medians in seconds, for each contestant round by round, and the seconds of the
    first call, in which some compile."""

    row: Comparison
    rounds: dict[str, list[float]]
    first: dict[str, float]


Watch = Callable[[str], None]  # is told what is done now


def timed(rows: list[Comparison], effort: Effort, watch: Watch) -> Iterator[Measured]:
    """Check that all agree, and time them: a process for each contestant of a cell."""
    for _, of_cell in groupby(rows, lambda row: row.cell):
        with ExitStack() as stack:
            processes: dict[str, Process] = {}
            for row in of_cell:
                for name in row.contestants:
                    if name not in processes:
                        processes[name] = stack.enter_context(Process(name, effort.threads))
                watch(f"{row.cell} {row.shape} {row.measure}")
                yield measured(row, processes, effort)


def measured(row: Comparison, processes: dict[str, Process], effort: Effort) -> Measured:
    """One row."""
    asked = row.cell, row.shape, row.measure
    first = {name: check(processes[name], *asked) for name in row.contestants}
    found: dict[str, list[float]] = {name: [] for name in row.contestants}
    rounds = effort.rounds
    while len(found[row.contestants[0]]) < rounds:
        for name in row.contestants:
            seconds, _ = processes[name].ask(*asked, seconds=effort.seconds)
            found[name].append(seconds)
        if max(times[-1] for times in found.values()) > SLOW:
            rounds = min(FEWEST, effort.rounds)
    return Measured(row, found, first)


def peaks(rows: list[Comparison], effort: Effort, watch: Watch) -> list[dict[str, Any]]:
    """The peak memory of each row's contestants in bytes, each in a fresh process."""
    found = []
    for row in rows:
        watch(f"{row.cell} {row.shape} memory")
        made = {}
        for name in row.contestants:
            if name not in PRODUCTS and "memory" not in CONTESTANTS[name].omits:
                with Process(name, effort.threads) as process:
                    made[name] = process.ask(row.cell, row.shape, row.measure, memory=True)
        found.append({"cell": row.cell, "shape": row.shape, "bytes": made})
    return found
