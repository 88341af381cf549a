"""The peak of a process's memory while something runs, as Linux counts it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(run: Callable[[], Any]) -> int:
    """How many bytes a second call takes at its peak, above what there was before the first one.

    So what a library keeps from one call to the next counts, and the results, but not what it takes
    for a while to compile at its first call.
    """
    give_back()
    before = counted("VmRSS")
    run()
    give_back()
    CLEAR.write_text("5")  # the peak is now what there is
    kept = run()
    after = counted("VmHWM")
    del kept
    return max(0, after - before)


def give_back() -> None:
    """Give what is free back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def counted(name: str) -> int:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])
