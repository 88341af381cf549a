"""The machine, as far as figures depend on it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.rate import rates

VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "NEON"}
PACKAGES = "numpy torch jax jaxlib onnxruntime symforce wrenfold casadi cellwright".split()


def machine(threads: int) -> dict[str, Any]:
    """Processor, cores, the widest vectors, system, compiler, rates of products, versions."""
    information = processor()
    flags = information.get("flags", information.get("Features", "")).split()
    return {
        "processor": information.get("model name", platform.processor() or platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "vectors": next((name for flag, name in VECTORS.items() if flag in flags), "unknown"),
        "system": f"{platform.system()} {platform.release()}",
        "compiler": first_line(os.environ.get("CC", "cc"), "--version"),
        "python": platform.python_version(),
        "threads": threads,
        "products": rates(threads),
        "versions": {name: found for name in PACKAGES if (found := installed(name))},
    }


def processor() -> dict[str, str]:
    """What Linux says of the first one."""
    text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def first_line(*command: str) -> str | None:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return None


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
