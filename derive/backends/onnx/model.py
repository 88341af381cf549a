"""A model: a graph's text as ONNX's own parser reads it, with the parameters in it."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.backends.onnx.graphs import Model, Operator, Scan
from derive.cell import Cell
from derive.evaluation.arrays import Array
from derive.evaluation.given import whole
from derive.nodes import CellError
from derive.program.policy import PER_OPERATION
from derive.program.program import Program
from derive.render import render
from derive.weights.fit import layer_of

if TYPE_CHECKING:
    from onnx import ModelProto

POLICY = PER_OPERATION
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
    scan: bool = False,
) -> ModelProto:
    """The model of a cell with these parameters, checked by ONNX.

    params  an array for each parameter by name: a module's Params, or a dictionary. Without them
            they are drawn with the `seed`, as `init` of the NumPy module draws them
    sizes   lengths by letter, where no parameter has them; 8 where nothing says
    dtype   "float32" or "float64"; that of the parameters, else "float32"
    ragged  whether it takes `lengths` as well, the number of steps of each sequence
    scan    whether it is a loop of the cell's equations even where they are those of one of ONNX's
            own operators; with float64, which runtimes do not have these in, it always is

    Raises CellError, in one sentence, where parameters are missing or do not fit, and where the
    package `onnx` is not installed.
    """
    onnx = _package()
    weights, lengths = whole(cell, params, sizes, seed, LENGTH)
    types = {str(np.asarray(array).dtype) for array in (params or {}).values()}
    dtype = dtype or ("float64" if "float64" in types else "float32")
    if dtype not in TYPES:
        raise CellError(f"a model's numbers are {' or '.join(TYPES)}, not {dtype!r}")
    fit = None if scan or dtype == "float64" else layer_of(cell, "onnx")
    asked = Program(cell, "states", POLICY), lengths, TYPES[dtype], ragged
    model: Model = Operator(fit, *asked) if fit else Scan(*asked)
    made = onnx.parser.parse_model(render(model.template, model=model))
    for name, array in model.constants(weights).items():
        numbers = array if array.dtype == np.int64 else array.astype(dtype)
        made.graph.initializer.append(onnx.numpy_helper.from_array(numbers, name))
    for info in made.graph.input:
        info.doc_string = model.starts.get(info.name, "")
    made.doc_string = render("onnx/about.txt.j2", model=model).strip()
    onnx.checker.check_model(made, full_check=True)
    return made


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


OPTIONS = tuple(signature(onnx).parameters)[1:]
