"""What `make fuzz` shows while it runs, as a plugin of pytest: ``-p fuzzing``.

The cells are tried in a few tests, each of them thousands of cells long and in a process of its
own. Every process writes a mark for each cell to the end of one file, which this watches.
"""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest
from progress import Progress

FILE = "CELLS_TRIED"  # in the environment
SHARE = 10  # of so many random cells one is compiled as well


def tried(mark: str) -> None:
    """A cell was tried: "." where it is right, "F" where it is not."""
    if FILE in os.environ:
        with open(os.environ[FILE], "a", encoding="ascii") as file:
            file.write(mark)


class Watch:
    """Tells how far it is, from the first test to the last."""

    def __init__(self, total: int, stream):
        handle, name = tempfile.mkstemp()
        os.close(handle)
        self.path, self.over = Path(name), threading.Event()
        self.progress = Progress(total, "random cells", stream)
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self) -> None:
        while not self.over.wait(0.2):
            self.look()

    def look(self) -> None:
        marks = self.path.read_text(encoding="ascii")
        found = "one fails and is made smaller" if "F" in marks else "no failure so far"
        if marks:  # before that, pytest has something to say
            self.progress.tell(min(len(marks), self.progress.total), found)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session):
        self.thread.start()
        try:
            return (yield)
        finally:
            self.over.set()
            self.thread.join()
            self.progress.end()
            self.path.unlink()

    def pytest_report_teststatus(self, report):
        """No dot for a test that passed: the line says more."""
        return ("passed", "", "") if report.passed and report.when == "call" else None


def pytest_configure(config: pytest.Config) -> None:
    """Watch, unless this is one of those that are watched."""
    if not hasattr(config, "workerinput"):
        stream = os.fdopen(os.dup(2), "w", encoding="utf-8")  # later pytest captures what is there
        count = int(os.environ["CELLS"])
        watch = Watch(count + count // SHARE, stream)
        os.environ[FILE] = str(watch.path)  # for the processes that are started soon
        config.pluginmanager.register(watch)
        config.add_cleanup(stream.close)
