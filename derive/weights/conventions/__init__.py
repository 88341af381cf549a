"""The conventions of libraries, a file each: the equations of their layers, and their arrays."""

from __future__ import annotations

from importlib import import_module

from derive.nodes import CellError
from derive.weights.layout import Convention

LIBRARIES = ("torch", "keras", "onnx", "flax")


def convention(name: str) -> Convention:
    """The convention of that library; CellError where there is none."""
    if name not in LIBRARIES:
        raise CellError(f"no library is called {name!r}; there are {', '.join(LIBRARIES)}")
    found: Convention = import_module(f"derive.weights.conventions.{name}").CONVENTION
    return found
