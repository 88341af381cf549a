"""What generated Python modules may be called."""

from __future__ import annotations

import sys
from collections.abc import Collection

from derive.nodes import CellError


def refuse_hiding(name: str, needed: Collection[str], who_needs: str) -> None:
    """CellError where a module of that name would hide another."""
    if name in needed or name in sys.stdlib_module_names:
        raise CellError(
            f"a module {name}.py would hide one that Python has, or {who_needs}, under this name: "
            f"give the cell's file another"
        )
