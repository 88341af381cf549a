"""Cellwright: the NumPy module, or the C, with everything that it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from derive import compiler, library
from derive.cell import Cell
from derive.render import write_files


def derive(I: int, H: int) -> Cell:  # noqa: ARG001 - for all sizes at once
    """The cell's equations; they are differentiated where they are written."""
    return library.load("lstm")


def write(derived: Cell, folder: Path) -> None:
    write_files(compiler.generate(derived), folder)


def write_c(derived: Cell, folder: Path) -> None:
    write_files(compiler.generate(derived, "c"), folder)


def values(derived: Cell, numbers: dict[str, Any]) -> dict[str, Any]:
    module = compiler.module(derived)
    (I,), (H,) = numbers["x"].shape, numbers["h"].shape
    params = module.Params(I, H)
    for name in params:
        params[name] = numbers[name]
    xs = numbers["x"][None, None]
    state = module.State(numbers["h"][None], numbers["c"][None])
    ys, after, tape = module.forward(params, xs, state)
    dstate = module.State(numbers["dh"][None], numbers["dc"][None])
    dparams, dxs, dbefore = module.backward(params, tape, np.zeros_like(ys), dstate)
    found = {"h_next": after.h[0], "c_next": after.c[0], "d_x": dxs[0, 0]}
    found |= {"d_h": dbefore.h[0], "d_c": dbefore.c[0]}
    return found | {f"d_{name}": dparams[name] for name in dparams}
