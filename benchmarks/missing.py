"""What a contestant needs beside Python packages, and a sentence for where it is not there."""

from __future__ import annotations

from importlib.util import find_spec


def compiler() -> str | None:
    """What compiles the generated C."""
    if find_spec("derive.build") is None:
        return "Cellwright, C: there is no C backend yet"
    return None
