"""Parameters of a cell from the arrays of another library's layer, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.cell import Cell
from derive.nodes import CellError, Quantity, symbols_of
from derive.weights.choose import Candidate, chosen
from derive.weights.conventions import convention
from derive.weights.files import SIZES
from derive.weights.fit import Fit, fits
from derive.weights.layout import Convention, Operator, cell_of
from derive.weights.search import stored_layers
from derive.weights.stored import Stack, of_cell, put_together
from derive.weights.values import value
from derive.weights.words import Words

Values = Any  # an array of numbers


@dataclass(frozen=True)
class Converted:
    """What came of a conversion.

    fit     the layer, and how it and the cell are made of each other
    arrays  what was made, by name
    made    for each array that was made, what of, a text for each part
    unused  the arrays that nothing was made of
    """

    fit: Fit
    arrays: Mapping[str, Values]
    made: Mapping[str, tuple[str, ...]]
    unused: tuple[str, ...]


def from_library(
    cell: Cell,
    library: str,
    arrays: Mapping[str, Values],
    *,
    prefix: str | None = None,
    layer: int = 0,
    reverse: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Converted:
    """A cell's parameters from a library's arrays.

    prefix    what stands before the arrays' names; where it is None, whatever does, if there is one
              layer only
    layer     the number of the layer, of several that are one above the other
    reverse   whether it is the one that runs backwards
    settings  options of the layer, where they are known

    Raises CellError where there is no such layer, or where the cell is another: then it says where
    their equations differ.
    """
    stack, (found, operators) = Stack(layer, reverse), layers(library)
    candidates = [
        Candidate(stored.parameters, fit, stored)
        for stored in stored_layers(found, operators, arrays, prefix, stack)
        for fit in fits(cell, found, stored.operator, settings, back=True)
    ]
    fit, stored = chosen(cell, candidates)
    axes, exprs = fit.match.aligned.axes, fit.match.parameters
    made = {
        p.name: value(
            exprs[p.name], stored.parameters, tuple(stored.lengths[axes[axis]] for axis in p.axes)
        )
        for p in cell.parameters
    }
    words = Words(fit.match.source.parameters, stored.places)
    read = {q.name for expr in exprs.values() for q in symbols_of(expr)}
    ignored = [place for name, place in stored.places.items() if name not in read]
    unused = [name for name in arrays if name not in stored.names]
    made_of = {name: (words(expr),) for name, expr in exprs.items()}
    return Converted(fit, made, made_of, (*ignored, *unused))


def to_library(
    cell: Cell,
    library: str,
    parameters: Mapping[str, Values],
    *,
    prefix: str = "",
    layer: int = 0,
    reverse: bool = False,
) -> Converted:
    """A library's arrays from a cell's parameters, which are by their names.

    prefix, layer and reverse are the same as in `from_library`. Raises CellError where the library
    has no such layer: then it says where their equations differ.
    """
    stack, (found, operators) = Stack(layer, reverse), layers(library)
    suffix = stack.suffixes(found)[0]
    lengths = of_cell(cell, parameters)
    own = {p.name: parameters[p.name] for p in cell.parameters}
    fitting = [fit for operator in operators for fit in fits(cell, found, operator)]
    fit, _ = chosen(cell, [Candidate(own, fit, None) for fit in fitting])
    values, axes = fit.match.parameters, fit.match.aligned.axes
    everything = {
        p.name: value(values.get(p.name, sp.S.Zero), own, tuple(lengths[axes[a]] for a in p.axes))
        for p in _parameters(fit)
    }
    groups = {
        a.group for a in fit.variant.operator.arrays if any(values.get(p, 0) != 0 for p in a.parts)
    }
    here = [
        array for array in fit.variant.operator.arrays if not array.group or array.group in groups
    ]
    words = Words(cell.parameters)
    made_of = {
        f"{prefix}{array.name}{suffix}": tuple(words(values.get(p, sp.S.Zero)) for p in array.parts)
        for array in here
    }
    made = put_together(found, here, everything, (prefix, suffix))
    unused = [name for name in parameters if name not in own and name != SIZES]
    return Converted(fit, made, made_of, tuple(unused))


def _parameters(fit: Fit) -> Iterator[Quantity]:
    """All parameters that a layer's arrays have, whether or not its equations read them."""
    usual = cell_of(fit.variant.convention.file, fit.variant.operator.cell)
    yield from {p.name: p for p in (*usual.parameters, *fit.match.target.parameters)}.values()


def layers(library: str) -> tuple[Convention, tuple[Operator, ...]]:
    """A library's convention, and its layers; if ``torch.nn.LSTM`` is named, that one."""
    name = library.partition(".")[0]
    found = convention(name)
    operators = [o for o in found.operators if library in (name, o.title)]
    if not operators:
        titles = dict.fromkeys(o.title for o in found.operators)
        raise CellError(
            f"{found.title} has no layer {library!r} here; there are {', '.join(titles)}"
        )
    return found, tuple(operators)
