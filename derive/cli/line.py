"""The line of progress itself, drawn by rich, which takes its time to import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress
from rich.console import Console

from derive.cli.progress import Progress


class Steady(Console):
    """Standard error, whose cursor is never hidden: who is killed could not give it back."""

    def __init__(self) -> None:
        super().__init__(stderr=True)

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002
        return False


class Line(Progress):
    """What is being done, a bar, how many of all are done, the time it took and the time left."""

    def __init__(self, console: Console, total: int):
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
        self.begun = 0

    def at(self, what: str) -> None:
        self.display.update(self.task, description=what, completed=self.begun)
        self.begun += 1

    @contextmanager
    def shown(self) -> Iterator[None]:
        try:
            self.display.start()
            yield
        finally:
            self.display.stop()
