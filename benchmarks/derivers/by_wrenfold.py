"""wrenfold: scalars in C++, C++ with spans."""

from __future__ import annotations

from operator import mul
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from wrenfold import code_generation, sym, type_info
from wrenfold.sym import MatrixExpr

from benchmarks.derivers import by, column, lstm, shapes


def times(a: MatrixExpr, b: MatrixExpr) -> MatrixExpr:
    return sym.vector(*(x * y for x, y in zip(a.to_flat_list(), b.to_flat_list(), strict=True)))


F = SimpleNamespace(
    product=mul,
    times=times,
    sigmoid=lambda a: a.unary_map(lambda e: 1 / (1 + sym.exp(-e))),
    tanh=lambda a: a.unary_map(sym.tanh),
)


class Derived(NamedTuple):
    """The function's arguments and outputs, and its description, from which it is written."""

    inputs: dict[str, MatrixExpr]
    outputs: dict[str, MatrixExpr]
    described: code_generation.FunctionDescription


def derive(I: int, H: int) -> Derived:
    given = shapes(I, H)
    described = code_generation.FunctionDescription("lstm_step")
    v = {
        name: described.add_input_argument(name, type_info.MatrixType(*column(shape)))
        for name, shape in given.items()
    }
    h_next, c_next = lstm(v, F)
    loss = v["dh"].T * h_next + v["dc"].T * c_next
    outputs = {"h_next": h_next, "c_next": c_next}
    for name in by(given):
        rows, columns = v[name].shape
        gradient = sym.jacobian(loss, v[name].to_flat_list())
        outputs[f"d_{name}"] = gradient.reshape(rows, columns)
    for name, value in outputs.items():
        described.add_output_argument(name, False, value)
    return Derived(v, outputs, described)


def write(derived: Derived, folder: Path) -> None:
    definition = code_generation.transpile(derived.described)
    text = code_generation.CppGenerator().generate(definition)
    (folder / "lstm_step.h").write_text(text, encoding="utf-8")


def values(derived: Derived, numbers: dict[str, Any]) -> dict[str, Any]:
    pairs = [
        (symbol, float(number))
        for name, symbols in derived.inputs.items()
        for symbol, number in zip(symbols.to_flat_list(), numbers[name].ravel(), strict=True)
    ]
    return {
        name: np.asarray(value.subs(pairs).eval(), float) for name, value in derived.outputs.items()
    }
