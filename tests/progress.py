"""How far long work of the tests is. In a terminal it is a line that is written over and goes away;
elsewhere, as in a log, a line a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

SECONDS = {True: 0.2, False: 60.0}  # between two lines, in a terminal and elsewhere


class Progress:
    """Tells of so many things how many are done, what was found, and how long it takes.

    It has no thread of its own: a process that tells of its work may be forked.
    """

    def __init__(
        self,
        total: int,
        things: str,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.total, self.things, self.clock = total, things, clock
        self.stream = stream or sys.stderr
        self.watched = self.stream.isatty()
        self.started = self.told = clock()
        self.first: tuple[int, float] | None = None  # how many were done when it was first told

    def tell(self, done: int, found: str) -> None:
        """Say how far it is, unless that was said just now."""
        now = self.clock()
        self.first = self.first or (done, now)
        if now - self.told < SECONDS[self.watched]:
            return
        self.told = now
        text = f"{done} of {self.total} {self.things}, {found}; {self.times(done, now)}"
        self.write(f"\r\x1b[K{text[:79]}" if self.watched else f"{text}\n")

    def times(self, done: int, now: float) -> str:
        """The time it took, and will take at the rate since the first was done."""
        before, start = self.first or (0, self.started)
        taken = minutes(now - self.started)
        if done == before:
            return taken
        left = (now - start) / (done - before) * (self.total - done)
        return f"{taken}, {minutes(left)} left"

    def end(self) -> None:
        """Leave nothing in a terminal."""
        if self.watched:
            self.write("\r\x1b[K")

    def write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def minutes(seconds: float) -> str:
    """``2:07``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
