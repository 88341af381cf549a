"""A contestant's process, seen from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from benchmarks.contestants import CONTESTANTS
from benchmarks.grid import Shape

ROOT = Path(__file__).resolve().parent.parent
THREADS = ("OMP", "OPENBLAS", "MKL", "TORCHINDUCTOR_COMPILE")
REST = 0.02  # threads that wait for work spin for a while: the next one's turn comes after it


class BenchmarkError(Exception):
    """The benchmark cannot go on, in one sentence."""


class Process(AbstractContextManager["Process"]):
    """A contestant with so many threads, on as many cores."""

    def __init__(self, contestant: str, threads: int) -> None:
        self.contestant = contestant
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when the process ends
        cores = sorted(os.sched_getaffinity(0))[:threads]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", contestant, str(threads)],
            cwd=ROOT,
            env=os.environ | {f"{who}_NUM_THREADS": str(threads) for who in THREADS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def ask(self, cell: str, shape: Shape, measure: str, **wanted: Any) -> Any:
        """See `benchmarks.worker`."""
        assert self.process.stdin and self.process.stdout
        request = {"cell": cell, "shape": shape, "measure": measure, **wanted}
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            line = ""
        else:
            line = self.process.stdout.readline()
        if not line:
            title = CONTESTANTS[self.contestant].title
            raise BenchmarkError(
                f"{title} failed at {cell} {shape}, {measure}: {self.last_words()}"
            )
        time.sleep(REST)
        return json.loads(line)

    def last_words(self) -> str:
        self.process.wait()
        self.said.seek(0)
        lines = self.said.read().splitlines()
        return lines[-1] if lines else f"exit status {self.process.returncode}"

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.said.close()
