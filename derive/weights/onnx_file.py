"""Recurrent nodes in .onnx files: their weights and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from derive.cell import Cell
from derive.nodes import CellError
from derive.weights.conventions import convention
from derive.weights.convert import Converted, from_library
from derive.weights.files import widened
from derive.weights.layout import cell_of

Values = Any  # an array of numbers
PLACES = {"W": 1, "R": 2, "B": 3, "P": 7}  # among the inputs of a node; only an LSTM has the last
PARAMETERS = {"activation_alpha": 1.0, "activation_beta": 0.0}  # of Affine, as `affine` is


@dataclass(frozen=True)
class Node:
    """A recurrent node: its operator, its weights, and its attributes as options of the operator's
    cell; and what else is in the file."""

    operator: str
    arrays: Mapping[str, Values]
    settings: Mapping[str, str]
    others: tuple[str, ...]


def onnx() -> Any:
    """The package; CellError where it is not installed."""
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise CellError(
            "reading .onnx needs the package onnx: pip install 'cellwright[onnx]'"
        ) from None
    return onnx


def read_node(path: Path, name: str | None, reverse: bool) -> Node:
    """The recurrent node of that name in a file, or the only one; CellError where there is none."""
    if not path.is_file():
        raise CellError(f"there is no file {path}")
    try:
        graph = onnx().load(path).graph
    except CellError:
        raise
    except Exception as error:  # of protobuf
        raise CellError(f"{path} is no .onnx: {' '.join(str(error).split())}") from None
    kinds = [operator.cell for operator in convention("onnx").operators]
    nodes = [node for node in graph.node if node.op_type in kinds]
    chosen = [node for node in nodes if name is None or node.name == name]
    if len(chosen) != 1:
        names = ", ".join(repr(node.name) for node in nodes)
        there = f"there are {names}: say which with --prefix" if nodes else "there is none"
        raise CellError(f"{path} has no recurrent node of that name alone; {there}")
    return _node(chosen[0], _constants(graph), reverse)


def _constants(graph: Any) -> dict[str, Values]:
    """The values that a graph has by name: initializers and constants."""
    to_array = onnx().numpy_helper.to_array
    found = {tensor.name: widened(to_array(tensor)) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = widened(to_array(node.attribute[0].t))
    return found


def _node(node: Any, constants: Mapping[str, Values], reverse: bool) -> Node:
    attributes = {a.name: onnx().helper.get_attribute_value(a) for a in node.attribute}
    index = _direction(attributes, reverse)
    arrays = {}
    for letter, place in PLACES.items():
        name = node.input[place] if place < len(node.input) else ""
        if name and name not in constants:
            raise CellError(f"node {node.name!r}: its input {letter}, `{name}`, is no constant")
        if name:
            arrays[letter] = constants[name][index : index + 1]
    if "clip" in attributes:
        raise CellError(f"node {node.name!r} clips what it computes, and no cell here does")
    used = {node.input[place] for place in PLACES.values() if place < len(node.input)}
    others = tuple(name for name in constants if name not in used)
    return Node(node.op_type, arrays, _settings(node.op_type, attributes, index), others)


def _direction(attributes: Mapping[str, Any], reverse: bool) -> int:
    """The place of a direction among those of a node; CellError where it has not that one."""
    direction = attributes.get("direction", b"forward").decode()
    if direction == "bidirectional":
        return int(reverse)
    if (direction == "reverse") != reverse:
        raise CellError(
            "the node runs backwards only: say --reverse"
            if not reverse
            else "the node runs forwards only, and --reverse was said"
        )
    return 0


def _settings(kind: str, attributes: Mapping[str, Any], index: int) -> dict[str, str]:
    """A node's attributes as options of its operator's cell."""
    (operator,) = (o for o in convention("onnx").operators if o.cell == kind)
    cell = cell_of(convention("onnx").file, operator.cell)
    functions = {s.name: s.choices for s in cell.options if len(s.choices) > 2}
    switches = [s.name for s in cell.options if len(s.choices) == 2]
    found = {s: str(bool(attributes[s])).lower() for s in switches if s in attributes}
    named = [a.decode() for a in attributes.get("activations", [])]
    named = named[index * len(functions) :][: len(functions)]
    for name, (option, choices) in zip(named, functions.items(), strict=False):
        if name.lower() not in choices:
            known = ", ".join(map(str.capitalize, choices))
            raise CellError(f"the node has the activation {name}, which is none of {known}")
        found[option] = name.lower()
    for key, ours in PARAMETERS.items():
        if set(attributes.get(key, [])) - {ours}:
            raise CellError(f"the node has the {key} {list(attributes[key])}, and ours is {ours}")
    return found


def from_onnx(
    cell: Cell, path: Path, name: str | None = None, *, reverse: bool = False
) -> Converted:
    """A cell's parameters from the recurrent node of that name in an .onnx file, or the only one.
    Raises CellError as `from_library` does."""
    node = read_node(path, name, reverse)
    library = f"onnx.{node.operator}"
    done = from_library(cell, library, node.arrays, prefix="", settings=node.settings)
    return replace(done, unused=(*done.unused, *node.others))
