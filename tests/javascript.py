"""Generated JavaScript, run by Node, as if it were Python."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from derive.backends.javascript.module import files
from derive.cell import Cell
from derive.program.policy import PER_BYTE
from derive.program.program import Program

RUN = Path(__file__).parent / "run.mjs"
TYPES = {np.dtype(np.float64): "Float64Array", np.dtype(np.float32): "Float32Array",
         np.dtype(np.int32): "Int32Array"}  # fmt: skip
DTYPES = {name: dtype for dtype, name in TYPES.items()}


@dataclass(frozen=True)
class Result:
    """What a call in the same script has returned, or a part of it."""

    call: int
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Type:
    """A type of arrays."""

    dtype: object


def text_of(cell: Cell, store: str = "all") -> str:
    """The module of a cell."""
    (text,) = files(Program(cell, store, PER_BYTE)).values()
    return text


def run(text: str, calls: list) -> list:
    """The results of calls, (name, arguments), of a module's functions, in one process. The result
    of one that throws is its error's name and message."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.mjs"
        path.write_text(text, encoding="utf-8")
        script = {"file": str(path), "calls": [{"name": n, "args": encoded(a)} for n, a in calls]}
        done = subprocess.run(
            ["node", RUN], input=json.dumps(script), capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    return decoded(json.loads(done.stdout))


def encoded(value):
    match value:
        case np.ndarray():
            raw = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
            return {"type": TYPES[value.dtype], "base64": raw}
        case Result():
            return {"result": value.call, "path": value.path}
        case Type():
            return {"type": TYPES[np.dtype(value.dtype)]}
        case dict():
            return {key: encoded(item) for key, item in value.items()}
        case list() | tuple():
            return [encoded(item) for item in value]
    return value


def decoded(value):
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "base64" in value:
        return np.frombuffer(base64.b64decode(value["base64"]), DTYPES[value["type"]])
    return {key: decoded(item) for key, item in value.items()}
