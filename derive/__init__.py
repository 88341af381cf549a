"""Cellwright: from the equations of a recurrent cell to everything people need from them.

    derive.load("gru", reset="after")   a cell, by name or file; it shows itself in a notebook
    derive.generate(cell, "numpy")      its files in a target language: names and texts
    derive.module(cell)                 its NumPy module, ready to use, without a file
    derive.compiled(cell)               its compiled module, ready to use; needs a C compiler
    derive.onnx(cell, params)           its ONNX model with these parameters
    derive.trace(cell, [1.0, -1.0])     every value and adjoint of a run, by name
    derive.check(cell)                  the rows of the proof

What one needs is imported when it is used: importing `derive` itself is cheap.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

VERSION = "0.1.0"

_PLACES = {
    "load": "derive.handle",
    "generate": "derive.compiler",
    "module": "derive.compiler",
    "compiled": "derive.build",
    "onnx": "derive.backends.onnx",
    "trace": "derive.display.trace",
    "check": "derive.proof",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})


if "IPython" in sys.modules:
    from derive.notebook import register

    register()
