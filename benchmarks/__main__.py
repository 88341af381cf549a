"""`python -m benchmarks`: measure all, write `benchmarks/results/` and the README's table."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import deriving, readme, report
from benchmarks.contestants import CONTESTANTS
from benchmarks.machine import machine
from benchmarks.measure import Effort, peaks, timed
from benchmarks.plan import FULL, QUICK, Comparison, Plan
from benchmarks.process import BenchmarkError

PARTS = ("times", "torch", "memory", "deriving")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows, rounds and peers: a minute")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.06, help="of a turn")
    parser.add_argument("--only", choices=PARTS, help="measure this anew, and keep the rest")
    parser.add_argument("-o", "--output", type=Path, default=report.RESULTS)
    args = parser.parse_args()
    rounds = min(args.rounds, 3) if args.quick else args.rounds
    effort = Effort(rounds, args.seconds, args.threads)
    try:
        found = kept(args.output) if args.only else {}
        parts = [args.only] if args.only else PARTS
        found |= run(QUICK if args.quick else FULL, effort, parts)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    report.write(found, args.output)
    if args.output == report.RESULTS:
        readme.write(found)
    return 0


def kept(folder: Path) -> dict[str, Any]:
    """The figures that are there."""
    try:
        return json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BenchmarkError(f"{folder} has no figures to keep: measure all first") from None


def run(plan: Plan, effort: Effort, parts: Iterable[str]) -> dict[str, Any]:
    """Figures, as `results/figures.json` has them."""
    rows, of_layers, of_memory = plan.comparisons(), plan.layers(), plan.memories()
    of_deriving = len(plan.deriving) * len(deriving.present())
    totals = {"times": len(rows), "torch": len(of_layers)}
    totals |= {"memory": len(of_memory), "deriving": of_deriving}
    watch = Watched(sum(totals[part] for part in parts))

    def times(rows: list[Comparison]) -> list[dict[str, Any]]:
        return [
            {**row._asdict(), "rounds": rounds, "first": first}
            for row, rounds, first in timed(rows, effort, watch)
        ]

    measures = {
        "times": lambda: times(rows),
        "torch": lambda: times(of_layers),
        "memory": lambda: peaks(of_memory, effort, watch),
        "deriving": lambda: deriving.measured(plan.deriving, watch),
    }
    found: dict[str, Any] = {"machine": machine(effort.threads)}
    if "times" in parts:
        found["effort"] = effort._asdict()
        found["missing"] = [why for c in CONTESTANTS.values() if (why := c.missing())]
    return found | {part: measures[part]() for part in parts}


class Watched:
    """Prints how far the work is."""

    def __init__(self, total: int) -> None:
        self.done, self.total = 0, total

    def __call__(self, what: str) -> None:
        self.done += 1
        print(f"[{self.done}/{self.total}] {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
