"""Numbers that a person writes: on the command line, and in files."""

from __future__ import annotations

import csv
import json
import math
import zipfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from derive.evaluation.arrays import Array
from derive.nodes import CellError


def number(text: str) -> float:
    """A finite number, as a person writes it."""
    try:
        value = float(text)
    except ValueError:
        raise CellError(f"{text.strip()!r} is not a number") from None
    if not math.isfinite(value):
        raise CellError(f"{text.strip()!r} is not a finite number")
    return value


def value(text: str) -> Array:
    """``2`` is a number, ``1,2`` a vector, ``1,2;3,4`` a matrix with the rows (1, 2) and (3, 4)."""
    rows = [[number(entry) for entry in row.split(",")] for row in text.split(";")]
    if len({len(row) for row in rows}) > 1:
        raise CellError(f"the rows of {text!r} are not equally long")
    array = np.array(rows)
    return array if ";" in text else array[0] if "," in text else array[0, 0]


def named(texts: Iterable[str]) -> dict[str, Array]:
    """``NAME=VALUE`` pairs, by name."""
    pairs = {}
    for text in texts:
        name, sign, written = text.partition("=")
        if not (name and sign and written):
            raise CellError(f"{text!r} gives no value: write NAME=VALUE, as in b_f=1 or h=0.5,1")
        pairs[name] = value(written)
    return pairs


def named_series(texts: Iterable[str], numbers: Collection[str]) -> dict[str, Array]:
    """``NAME=VALUES`` pairs, by name: a step a value, with spaces between, or a CSV file. Those of
    `numbers` have one number a step."""
    pairs = {}
    for text in texts:
        name, _, written = text.partition("=")
        if not (name and written.split()):
            raise CellError(f"{text!r} gives no series: write NAME=VALUES, as in 'dt=0.5 2'")
        pairs[name] = steps(written.split())
        if name in numbers and pairs[name].ndim > 1:
            raise CellError(f"{name} is one number a step, and {text!r} gives several: put spaces")
    return pairs


def sizes(texts: Iterable[str]) -> dict[str, int]:
    """``AXIS=N`` pairs, by name."""
    pairs = {}
    for text in texts:
        name, _, written = text.partition("=")
        if not (name and written.isascii() and written.isdigit()):
            raise CellError(f"{text!r} gives no size: write AXIS=N, as in H=3")
        pairs[name] = int(written)
    return pairs


def steps(texts: Sequence[str], columns: Sequence[str] = ()) -> Array:
    """A series: a step an argument, its entries with commas between them, or a CSV file. It is
    (T, n), or (T,) where every step is a single number."""
    if len(texts) == 1 and texts[0].lower().endswith(".csv"):
        rows = table(Path(texts[0]), columns)
    elif columns:
        raise CellError("columns are those of a CSV file, and the series is none")
    else:
        rows = same_length([[number(entry) for entry in text.split(",")] for text in texts])
    array = np.array(rows)
    return array[:, 0] if array.shape[1:] == (1,) else array


def same_length(rows: list[list[float]]) -> list[list[float]]:
    """The rows; CellError where they are not equally long."""
    for n, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise CellError(
                f"step {n} has {len(row)} entries, and step 0 has {len(rows[0])}: every step needs "
                f"as many"
            )
    return rows


def table(path: Path, columns: Sequence[str] = ()) -> list[list[float]]:
    """The rows of a CSV file, a step each. A first row that has no numbers names the columns, of
    which `columns` chooses some."""
    rows = lines(path)
    header = rows.pop(0) if rows and not any(map(is_number, rows[0])) else []
    if not rows:
        raise CellError(f"{path} has no rows of numbers")
    if header and len(header) != len(rows[0]):
        raise CellError(
            f"{path} has the names of {len(header)} columns and rows of {len(rows[0])} entries"
        )
    places = list(range(len(rows[0])))
    if columns:
        missing = [name for name in columns if name not in header]
        if missing:
            raise CellError(
                f"{path} has no column {missing[0]!r}; it has {', '.join(header) or 'no names'}"
            )
        places = [header.index(name) for name in columns]
    found = []
    for n, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise CellError(f"{path}, row {n} has {len(row)} entries, and row 1 has {len(rows[0])}")
        try:
            found.append([number(row[place]) for place in places])
        except CellError as error:
            raise CellError(f"{path}, row {n}: {error}") from None
    return found


def lines(path: Path) -> list[list[str]]:
    """The rows of a CSV file that are not empty, as texts."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[entry.strip() for entry in row] for row in csv.reader(file)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CellError(f"{path} is no CSV file: {error}") from None
    return [row for row in rows if any(row)]


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# --- weights -------------------------------------------------------------------------------------


SIZES = "_sizes"  # of a module's Params, beside the parameters in their file


def weights(path: Path) -> dict[str, Any]:
    """Arrays by name, from a file: .npz, as ``params.save(path)`` writes it; .json, an
    object of numbers and nested lists; .csv, a line a row, the parameter's name first."""
    readers = {".npz": from_npz, ".json": from_json, ".csv": from_csv}
    if path.suffix.lower() not in readers:
        raise CellError(f"{path}: weights are read from files that end in {', '.join(readers)}")
    return readers[path.suffix.lower()](path)


def from_npz(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if name != SIZES}
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise CellError(f"{path} is no .npz file of arrays of numbers: {error}") from None


def from_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CellError(f"{path} is no JSON file: {error}") from None
    if not isinstance(found, dict):
        raise CellError(f"{path} must have an object: the parameters' names and values")
    return found


def from_csv(path: Path) -> dict[str, Any]:
    rows: dict[str, list[list[float]]] = {}
    for name, *entries in lines(path):
        if not entries:
            raise CellError(f"{path} has no value for {name!r}")
        try:
            rows.setdefault(name, []).append([number(entry) for entry in entries])
        except CellError as error:
            raise CellError(
                f"{path}, row of {name!r}: {error}; a row is a name, and numbers"
            ) from None
    found: dict[str, Any] = {}
    for name, own in rows.items():
        if len({len(row) for row in own}) > 1:
            raise CellError(f"{path}: the rows of {name!r} are not equally long")
        array = np.array(own)
        found[name] = array if len(own) > 1 else array[0] if array.size > 1 else array[0, 0]
    return found
