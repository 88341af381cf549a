"""SymForce: scalars in SymEngine, C++ with Eigen."""

from __future__ import annotations

from operator import mul
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import symforce

symforce.set_epsilon_to_number()  # as it asks for; nothing here divides by what may be zero

import numpy as np  # noqa: E402
import symforce.symbolic as sf  # noqa: E402
from symforce.codegen import Codegen, CppConfig, codegen_config  # noqa: E402
from symforce.values import Values  # noqa: E402

from benchmarks.derivers import by, column, lstm, shapes  # noqa: E402

F = SimpleNamespace(
    product=mul,
    times=lambda a, b: a.multiply_elementwise(b),
    sigmoid=lambda a: a.applyfunc(lambda e: 1 / (1 + sf.exp(-e))),
    tanh=lambda a: a.applyfunc(sf.tanh),
)


def derive(I: int, H: int) -> tuple[Values, Values]:
    """Symbols, and what is to be written of them."""
    given = shapes(I, H)
    v = {name: sf.Matrix(*column(shape)).symbolic(name) for name, shape in given.items()}
    h_next, c_next = lstm(v, F)
    loss = (v["dh"].T * h_next + v["dc"].T * c_next)[0, 0]
    gradients = {f"d_{name}": v[name].applyfunc(loss.diff) for name in by(given)}
    return Values(**v), Values(h_next=h_next, c_next=c_next, **gradients)


def write(derived: tuple[Values, Values], folder: Path) -> None:
    inputs, outputs = derived
    config = CppConfig(render_template_config=codegen_config.RenderTemplateConfig(autoformat=False))
    Codegen(inputs, outputs, config=config, name="lstm_step").generate_function(output_dir=folder)


def values(derived: tuple[Values, Values], numbers: dict[str, Any]) -> dict[str, Any]:
    inputs, outputs = derived
    pairs = {
        symbol: float(number)
        for name, symbols in inputs.items()
        for symbol, number in zip(symbols.to_flat_list(), numbers[name].ravel(), strict=True)
    }
    return {
        name: np.array([[float(e.subs(pairs)) for e in row] for row in expressions.to_list()])
        for name, expressions in outputs.items()
    }
