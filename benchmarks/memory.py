"""The peak of a process's memory while something runs, as Linux counts it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(run: Callable[[], Any]) -> int:
    """How many bytes a call takes at its peak, its results among them: the second one, when the
    library has loaded and compiled what it needs, and given back to the system what it can."""
    run()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")  # the peak is now what there is
    before = counted("VmRSS")
    kept = run()
    after = counted("VmHWM")
    del kept
    return after - before


def counted(name: str) -> int:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])
