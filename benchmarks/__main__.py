"""`python -m benchmarks`: measure all, write `benchmarks/results/` and the README's table."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import deriving, readme, report
from benchmarks.contestants import CONTESTANTS
from benchmarks.machine import machine
from benchmarks.measure import Effort, peaks, timed
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.process import BenchmarkError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows, rounds and peers: a minute")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.06, help="of a turn")
    parser.add_argument("-o", "--output", type=Path, default=report.RESULTS)
    args = parser.parse_args()
    rounds = min(args.rounds, 3) if args.quick else args.rounds
    try:
        found = run(QUICK if args.quick else FULL, Effort(rounds, args.seconds, args.threads))
    except BenchmarkError as stop:
        print(f"benchmarks: {stop}", file=sys.stderr)
        return 1
    report.write(found, args.output)
    if args.output == report.RESULTS:
        readme.write(found)
    return 0


def run(plan: Plan, effort: Effort) -> dict[str, Any]:
    """All figures, as `results/figures.json` has them."""
    rows, of_memory = plan.comparisons(), plan.memories()
    of_deriving = len(plan.deriving) * len(deriving.present())
    watch = Watched(len(rows) + len(of_memory) + of_deriving)
    return {
        "machine": machine(effort.threads),
        "effort": effort._asdict(),
        "missing": [why for c in CONTESTANTS.values() if (why := c.missing())],
        "times": [
            {**row._asdict(), "rounds": rounds, "first": first}
            for row, rounds, first in timed(rows, effort, watch)
        ],
        "memory": peaks(of_memory, effort, watch),
        "deriving": deriving.measured(plan.deriving, watch),
    }


class Watched:
    """Prints how far the work is."""

    def __init__(self, total: int) -> None:
        self.done, self.total = 0, total

    def __call__(self, what: str) -> None:
        self.done += 1
        print(f"[{self.done}/{self.total}] {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
