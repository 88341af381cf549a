"""What a contestant can be measured on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.problem import Arrays


class Task(NamedTuple):
    """Something to be timed, and how to read what it returns.

    run    does the work, on arguments that lie ready, and returns when it is done
    named  its results as NumPy arrays, by the names that `benchmarks.agree` compares: `ys`, `dxs`,
           each parameter for its gradient or for the Hessian's product, `h_next` for a new state h
    """

    run: Callable[[], Any]
    named: Callable[[Any], Arrays]


Tasks = dict[str, Task]  # by what is measured
