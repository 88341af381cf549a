"""What a contestant needs beside Python packages, and a sentence for where it is not there."""

from __future__ import annotations

import os
from pathlib import Path

from derive.build import compiler as found_compiler
from derive.nodes import CellError


def compiler() -> str | None:
    """What compiles the generated C."""
    try:
        found_compiler()
    except CellError as error:
        return f"Cellwright, C: {error}"
    return None


def kann_source() -> Path:
    """Where KANN's source is."""
    return Path(os.environ.get("KANN", "kann")).resolve()


def kann() -> str | None:
    """KANN's source, and what compiles it."""
    if not (kann_source() / "kautodiff.c").is_file():
        return (
            "KANN, C: its source is not here; git clone https://github.com/attractivechaos/kann, "
            "and name its folder in KANN"
        )
    return compiler()
