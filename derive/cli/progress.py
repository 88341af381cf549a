"""The progress of long work: one line at the bottom of a terminal, on standard error, gone when the
work is done. Where standard error is no terminal, or `--quiet` was said, there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

Result = TypeVar("Result")
Task = tuple[str, Callable[[], Result]]  # what is being done, and how to do it
# Shows what is being done for as long as that takes; then one more of all is done.
Progress = Callable[[str], AbstractContextManager[object]]


def progress(total: int, *, quiet: bool = False) -> Progress:
    """The progress of so many tasks, for whoever is watching."""
    if not quiet and sys.stderr.isatty():
        from derive.cli.line import Line, Steady

        console = Steady()
        if console.is_interactive:
            return Line(console, total).during
    return lambda _: nullcontext()


def results(tasks: Iterable[Task[Result]], *, quiet: bool = False) -> Iterator[Result]:
    """The results of tasks, one after another. The line is there while one is worked on, and gone
    while the caller has its result: what it prints then stands above."""
    tasks = list(tasks)
    during = progress(len(tasks), quiet=quiet)
    for what, work in tasks:
        with during(what):
            result = work()
        yield result
