"""Compiled cells, kept in build/bench, so that a cell's processes do not each compile it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from derive import build, library
from derive.backends.c import POLICY, files
from derive.cell import Cell
from derive.program.program import Program
from derive.render import write_files

KEPT = Path(__file__).resolve().parent.parent / "build" / "bench"


def module(name: str, interface: Callable[[Cell, str], str] = build.arrays) -> ModuleType:
    """A cell's module, built for this machine: anew where its code or the compiler's flags are.

    interface  what writes the module, as in `derive.build`
    """
    cell = library.load(name)
    made_of = repr((files(Program(cell, "all", POLICY)), interface(cell, "all"), build.compiler()))
    folder = KEPT / hashlib.sha256(made_of.encode()).hexdigest()[:16]
    if not folder.is_dir():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as unfinished:
            write_files(build.built(cell, interface=interface), Path(unfinished, "built"))
            os.replace(Path(unfinished, "built"), folder)
    return build.imported(folder / f"{cell.name}.py")
