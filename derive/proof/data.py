"""The proof as data, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from derive.cell import Cell
from derive.display.data.cells import identified
from derive.network.network import Network
from derive.proof import Row


def proof_data(proofs: Iterable[tuple[Cell | Network, Sequence[Row]]]) -> dict[str, Any]:
    """The rows of each cell's proof; `ok` is false where one of them failed."""
    cells = [
        {
            **identified(cell),
            "ok": all(row.ok is not False for row in rows),
            "rows": [vars(row) for row in rows],
        }
        for cell, rows in proofs
    ]
    return {"ok": all(cell["ok"] for cell in cells), "cells": cells}
