"""The command: makes the mutants, has them tried, and reports."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from importlib import import_module

from mutation.mutant import Mutant, Verdict
from mutation.report import Report

SOURCES = ("equations", "program", "templates", "c")
COMPILED = ("c",)  # what another runner tries


def made(sources: list[str], only: str, every: int) -> list[Mutant]:
    """The mutants of some sources in some places, or every Nth of them."""
    found = (m for s in sources if is_there(s) for m in import_module(f"mutation.{s}").mutants())
    return [m for m in found if only in m.place][::every]


def is_there(source: str) -> bool:
    """Whether there is what tries the mutants of a source; says so where there is not."""
    if source in COMPILED and not shutil.which("gcc"):
        print(
            f"Not run: {source}. It is compiled by gcc, which is not there (Debian: gcc, libc6-dev)"
        )
        return False
    return True


def tried(mutants: list[Mutant], jobs: int, tell: Callable[[Verdict], None]) -> list[str]:
    """Have each tried by the runner of its source."""
    broken = []
    for runner in dict.fromkeys(runner_of(m) for m in mutants):
        some = [m for m in mutants if runner_of(m) == runner]
        broken += import_module(f"mutation.{runner}").run(some, jobs, tell)
    return broken


def runner_of(mutant: Mutant) -> str:
    """The module that tries a mutant."""
    return "c_runner" if mutant.source in COMPILED else "runner"


def main() -> int:
    """0 where every mutant is killed or known to be equivalent."""
    parser = argparse.ArgumentParser(
        prog="python -m mutation", description="The proof of the tests."
    )
    parser.add_argument("sources", nargs="*", help=f"of {', '.join(SOURCES)}; all if none is named")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--only", default="", metavar="TEXT", help="where the place has this in it")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try every Nth only")
    arguments = parser.parse_args()
    print("Looking for places to change …", file=sys.stderr, flush=True)
    mutants = made(arguments.sources or list(SOURCES), arguments.only, arguments.every)
    print(f"{len(mutants)} found; trying {arguments.jobs} at a time …", file=sys.stderr, flush=True)
    report = Report(len(mutants))
    broken = tried(mutants, arguments.jobs, report.tell)
    report.show()
    if not (arguments.sources or arguments.only) and arguments.every == 1:
        for pattern in report.unused():
            print(f"No survivor is like this any more: {pattern}")
    for test in broken:
        print(f"Fails without any change, and was left out: {test}")
    return bool(report.survivors or broken)


if __name__ == "__main__":
    sys.exit(main())
