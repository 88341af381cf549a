"""The progress of long work: one line at the bottom of a terminal, on standard error, gone when the
work is done. Where standard error is no terminal, or `--quiet` was said, there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

Result = TypeVar("Result")
Task = tuple[str, Callable[[], Result]]  # what is being done, and how to do it


# Shows what is being done for as long as that takes; then one more of all is done.
Progress = Callable[[str], AbstractContextManager[object]]


class Line:
    """What is being done, a bar, how many of all are done, the time it took and the time left."""

    def __init__(self, console: Console, total: int):
        from rich import progress

        self.display = progress.Progress(
            progress.TextColumn("{task.description:34.34}", markup=False),
            progress.BarColumn(bar_width=14),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,  # what is printed goes where it was sent, while no line is there
            redirect_stderr=False,
        )
        self.task = self.display.add_task("", total=total)

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Be there while something is being done."""
        self.display.update(self.task, description=what)
        self.display.start()
        try:
            yield
        finally:
            self.display.stop()
        self.display.advance(self.task)


def progress(total: int, *, quiet: bool = False) -> Progress:
    """The progress of so many tasks, for whoever is watching."""
    if not quiet and sys.stderr.isatty():
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_interactive:
            return Line(console, total)
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
