"""A model: a graph's text as ONNX's own parser reads it, with the parameters in it."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.backends.onnx.module import Module
from derive.cell import Cell
from derive.evaluation.arrays import Array, extent
from derive.evaluation.given import checked, drawn, sizes_of
from derive.nodes import Axis, CellError, Quantity
from derive.program.policy import PER_CALL
from derive.program.program import Program
from derive.render import render

if TYPE_CHECKING:
    from onnx import ModelProto

POLICY = PER_CALL
TYPES = {"float32": "float", "float64": "double"}
LENGTH = 8  # of an axis of which nothing says how long it is


def files(program: Program, **options: Any) -> dict[str, bytes]:
    """The model's file name and content."""
    return {f"{program.cell.name}.onnx": onnx(program.cell, **options).SerializeToString()}


def onnx(
    cell: Cell,
    params: Mapping[str, Array] | None = None,
    *,
    sizes: Mapping[str, int] = {},
    seed: int = 0,
    dtype: str = "",
    ragged: bool = False,
) -> ModelProto:
    """The model of a cell with these parameters, checked by ONNX.

    params  an array for each parameter by name: a module's Params, or a dictionary. Without them
            they are drawn with the `seed`, as `init` of the NumPy module draws them
    sizes   lengths by letter, where no parameter has them; 8 where nothing says
    dtype   "float32" or "float64"; that of the parameters, else "float32"
    ragged  whether it takes `lengths` as well, the number of steps of each sequence

    Raises CellError, in one sentence, where parameters are missing or do not fit, and where the
    package `onnx` is not installed.
    """
    onnx = _package()
    weights = {} if params is None else checked(params, cell.parameters, "parameter")
    lengths = _lengths(cell, weights, sizes)
    if params is None:
        weights = drawn(cell, lengths, seed)
    _refuse_misfits(cell, weights, lengths)
    if not dtype:
        types = {str(np.asarray(array).dtype) for array in (params or {}).values()}
        dtype = "float64" if "float64" in types else "float32"
    if dtype not in TYPES:
        raise CellError(f"a model's numbers are {' or '.join(TYPES)}, not {dtype!r}")
    module = Module(Program(cell, "states", POLICY), lengths, TYPES[dtype], ragged)
    model = onnx.parser.parse_model(render("onnx/model.onnx.j2", module=module))
    named = {module.calls.all(q).name: array for q, array in weights.items()}
    for name, array in (named | module.graph.constants).items():
        numbers = array if array.dtype == np.int64 else array.astype(dtype)
        model.graph.initializer.append(onnx.numpy_helper.from_array(numbers, name))
    for info in model.graph.input:
        info.doc_string = module.starts.get(info.name, "")
    model.doc_string = render("onnx/about.txt.j2", module=module).strip()
    onnx.checker.check_model(model, full_check=True)
    return model


def _package() -> Any:
    """The package `onnx`, with what is used of it."""
    try:
        import onnx.checker
        import onnx.numpy_helper
        import onnx.parser
    except ImportError as error:
        raise CellError(
            f"a model is written with the package onnx, and that is missing ({error}): "
            f"pip install 'cellwright[onnx]'"
        ) from None
    return onnx


def _lengths(
    cell: Cell, weights: Mapping[Quantity, Array], sizes: Mapping[str, int]
) -> dict[Axis, int]:
    """The length of every axis: what parameters have, what was asked for, or the usual one."""
    known = {axis for q in weights for axis in q.axes}
    usual = {axis.letter: LENGTH for axis in cell.axes if axis not in known}
    return sizes_of(cell, ((q, a.shape) for q, a in weights.items()), usual | dict(sizes))


def _refuse_misfits(
    cell: Cell, weights: Mapping[Quantity, Array], lengths: Mapping[Axis, int]
) -> None:
    """CellError where a parameter is missing, or has not the shape that it needs."""
    for p in cell.parameters:
        if p not in weights:
            there = ", ".join(q.name for q in weights) or "none"
            raise CellError(f"there is no parameter {p.name!r} in what is given; there are {there}")
        if weights[p].shape != (needed := extent(p.axes, lengths)):
            raise CellError(f"{p} must have shape {needed}, not {weights[p].shape}")


OPTIONS = tuple(signature(onnx).parameters)[1:]
