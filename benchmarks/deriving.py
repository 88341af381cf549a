"""How long deriving and writing takes, beside other libraries: see `benchmarks.derivers`.

Each time is a fresh process's, after its imports. `python -m benchmarks.deriving WHO H` is what
runs there; it derives for H inputs and hidden units, and prints a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3

DERIVERS = {  # what tables call them; the module, its function, and the package that it needs
    "Cellwright, NumPy": ("by_cellwright", "write", "derive"),
    "Cellwright, C": ("by_cellwright", "write_c", "derive"),
    "SymForce, C++": ("by_symforce", "write", "symforce"),
    "wrenfold, C++": ("by_wrenfold", "write", "wrenfold"),
    "CasADi, C": ("by_casadi", "write", "casadi"),
}


def measured(sizes: tuple[int, ...], watch: Callable[[str], None]) -> list[dict[str, Any]]:
    """For each who is installed and each size, the median of the seconds, and the bytes written."""
    found = []
    for who in present():
        for size in sizes:
            watch(f"deriving: {who}, {size}")
            times = [asked(who, size) for _ in range(REPEATS)]
            seconds = median(each["seconds"] for each in times)
            found.append({"who": who, "size": size, "seconds": seconds, "bytes": times[0]["bytes"]})
    return found


def present() -> list[str]:
    return [who for who, (*_, package) in DERIVERS.items() if find_spec(package)]


def asked(who: str, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.deriving", who, str(size)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(who: str, size: int) -> None:
    module, function, _ = DERIVERS[who]
    deriver = import_module(f"benchmarks.derivers.{module}")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        getattr(deriver, function)(deriver.derive(size, size), Path(folder))
        seconds = time.perf_counter() - start
        written = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    print(json.dumps({"seconds": seconds, "bytes": written}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
