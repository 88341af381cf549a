"""Work in processes of their own, several at a time, each with limits to what it may use up."""

from __future__ import annotations

import faulthandler
import os
import pickle
import resource
import signal
from collections.abc import Callable, Iterator

import pytest

LIMIT = 30  # seconds that one mutant may compute: on a busy machine it may wait longer
PATIENCE = 20  # times as many seconds may pass
TIME = "time"  # what a mutant is killed by that takes longer
TIMEOUTS = (signal.SIGPROF, signal.SIGALRM)
MEMORY = 8 << 30  # bytes


def forked(
    tasks: list[Callable[[], object]], jobs: int, limit: float | None = None
) -> Iterator[object]:
    """The results of the tasks, in their order, each run in a process of its own."""
    children: dict[int, tuple[int, int]] = {}  # process: (task's number, pipe)
    done: dict[int, object] = {}
    waiting, told = list(enumerate(tasks))[::-1], 0
    while told < len(tasks):
        while waiting and len(children) < jobs:
            number, task = waiting.pop()
            process, pipe = fork(task, limit)
            children[process] = number, pipe
        process, status = os.wait()
        number, pipe = children.pop(process)
        done[number] = answer(pipe, status)
        while told in done:
            yield done.pop(told)
            told += 1


def fork(task: Callable[[], object], limit: float | None = None) -> tuple[int, int]:
    """Do something in a new process; its number, and where the answer will be."""
    limit = limit or LIMIT
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        os.close(reading)
        faulthandler.disable()
        for timeout in TIMEOUTS:
            signal.signal(timeout, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, limit)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE * limit)
        pytest.Function.repr_failure = lambda self, error, style=None: ""  # nobody reads it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        result = task()
        os.write(writing, pickle.dumps(result))
    except BaseException as error:
        os.write(writing, pickle.dumps(f"{type(error).__name__}"))
    finally:
        os._exit(0)


def answer(pipe: int, status: int) -> object:
    """The result that a process sent, or the cause of its death."""
    with os.fdopen(pipe, "rb") as file:
        data = file.read()
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return TIME if number in TIMEOUTS else f"signal {number}"
    return pickle.loads(data)
