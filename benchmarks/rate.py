"""How fast this machine multiplies matrices: float32, 1024 by 1024, by NumPy's BLAS and PyTorch's,
the fastest of some calls.

`python -m benchmarks.rate LIBRARY THREADS` is what runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

N, CALLS = 1024, 30


def by_numpy(_: int) -> Callable[[], Any]:
    a, b, c = np.ones((3, N, N), np.float32)
    return lambda: np.matmul(a, b, out=c)


def by_torch(threads: int) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(threads)
    a, b, c = torch.ones((3, N, N))
    return lambda: torch.mm(a, b, out=c)


LIBRARIES = {"numpy": by_numpy, "torch": by_torch}


def rates(threads: int) -> dict[str, float]:
    """GFLOP/s by library, of those that are installed."""
    return {name: rate(name, threads) for name in LIBRARIES if find_spec(name)}


def rate(library: str, threads: int) -> float:
    own = {f"{who}_NUM_THREADS": str(threads) for who in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, "-m", "benchmarks.rate", library, str(threads)]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(library: str, threads: int) -> None:
    product, times = LIBRARIES[library](threads), []
    for _ in range(CALLS):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    print(round(2 * N**3 / min(times) / 1e9, 1))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
