"""What a contestant needs beside Python packages, and a sentence for where it is not there."""

from __future__ import annotations

from derive.build import compiler as found_compiler
from derive.nodes import CellError


def compiler() -> str | None:
    """What compiles the generated C."""
    try:
        found_compiler()
    except CellError as error:
        return f"Cellwright, C: {error}"
    return None
