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


class Progress:
    """How far some work is. This one is shown to nobody, `derive.cli.line.Line` is a line."""

    def at(self, what: str) -> None:
        """Say what is being done now. What was said before is done."""

    def shown(self) -> AbstractContextManager[object]:
        """Show it, for as long as this lasts."""
        return nullcontext()


def progress(total: int, *, quiet: bool = False) -> Progress:
    """The progress of work in so many steps, for whoever is watching."""
    if not quiet and sys.stderr.isatty():
        from derive.cli.line import Line, Steady

        console = Steady()
        if console.is_interactive:
            return Line(console, total)
    return Progress()


def results(tasks: Iterable[Task[Result]], *, quiet: bool = False) -> Iterator[Result]:
    """The results of tasks, one after another. The line is there while one is worked on, and gone
    while the caller has its result: what it prints then stands above."""
    tasks = list(tasks)
    work = progress(len(tasks), quiet=quiet)
    for what, task in tasks:
        work.at(what)
        with work.shown():
            result = task()
        yield result
