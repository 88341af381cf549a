"""CasADi: a graph of matrix operations, differentiated in reverse; C."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import casadi
import numpy as np

from benchmarks.derivers import by, lstm, shapes

F = SimpleNamespace(
    product=casadi.mtimes,
    times=lambda a, b: a * b,
    sigmoid=lambda a: 1 / (1 + casadi.exp(-a)),
    tanh=casadi.tanh,
)


def derive(I: int, H: int) -> casadi.Function:
    """The step and its gradient, as a function."""
    given = shapes(I, H)
    v = {name: casadi.MX.sym(name, *shape) for name, shape in given.items()}
    h_next, c_next = lstm(v, F)
    names = list(by(given))
    (gradients,) = casadi.reverse(
        [h_next, c_next], [v[name] for name in names], [[v["dh"], v["dc"]]]
    )
    outputs = {"h_next": h_next, "c_next": c_next}
    outputs |= {f"d_{name}": found for name, found in zip(names, gradients, strict=True)}
    return casadi.Function("lstm_step", [*v.values()], [*outputs.values()], [*v], [*outputs])


def write(derived: casadi.Function, folder: Path) -> None:
    written = casadi.CodeGenerator("lstm_step.c")
    written.add(derived)
    written.generate(f"{folder}/")


def values(derived: casadi.Function, numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: np.array(found) for name, found in derived(**numbers).items()}
