"""What a library calls the parameters of its recurrent layers, and how it lays them out: as data.

The equations of a layer are a cell like any other, in the library's own convention: its two biases,
its polarity of a gate. Its arrays name the parameters that lie in them. What follows from both, how
a cell of ours and theirs are converted into one another, stands nowhere: `derive.weights.match`
derives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path

import sympy as sp

from derive.cell import Cell
from derive.elementwise import Elementwise
from derive.library import load
from derive.nodes import H, Quantity


@dataclass(frozen=True)
class Array:
    """An array of a library, and the parameters of its cell that lie in it.

    name        its name in a file, without what stands before and behind it
    rows        the parameters, one above the other; where there are several rows, each is an entry
                of a further axis, the first
    transposed  whether a matrix is (I, H) in it, where a cell has (H, I)
    group       arrays of one group are in a file together or not at all, and are zero then; ""
                for one that always is
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    transposed: bool = False
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """All the parameters that lie in it."""
        return tuple(part for row in self.rows for part in row)


def array(name: str, *rows: str, transposed: bool = False, group: str = "") -> Array:
    """An array whose rows name their parameters, separated by spaces."""
    return Array(name, tuple(tuple(row.split()) for row in rows), transposed, group)


@dataclass(frozen=True)
class Operator:
    """A recurrent layer of a library.

    title     its name for people: ``torch.nn.LSTM``
    cell      the class in the convention's file that has its equations
    arrays    its parameters
    settings  options of the cell that these arrays are for
    """

    title: str
    cell: str
    arrays: tuple[Array, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Convention:
    """A library's recurrent layers.

    file        where their equations stand
    title       the library's name for people
    operators   its layers
    suffixes    what may stand behind the name of an array, the usual one first: `{layer}` is the
                number of a layer and `{reverse}` the word for one that runs backwards
    reverse     that word
    directions  whether each array has a first axis, with an entry for each direction
    """

    file: Path
    title: str
    operators: tuple[Operator, ...]
    suffixes: tuple[str, ...] = ("",)
    reverse: str = ""
    directions: bool = False


@dataclass(frozen=True)
class Variant:
    """An operator with its options set: its equations, and what its options are."""

    convention: Convention
    operator: Operator
    cell: Cell

    @property
    def title(self) -> str:
        """Its name, and the options that are not as usual."""
        fixed = self.operator.settings
        options = [s for s in self.cell.options if s.name in fixed or s.value != s.default]
        return self.operator.title + ("" if not options else f"({', '.join(map(str, options))})")

    @property
    def settings(self) -> dict[str, str]:
        """Its options, by name."""
        return {s.name: s.value for s in self.cell.options}


def variants(
    convention: Convention, operator: Operator, functions: frozenset[str]
) -> Iterator[Variant]:
    """An operator with its options set in the usual way, and then in every other way that makes it
    of these functions."""
    usual = cell_of(convention.file, operator.cell)
    choices = []
    for setting in usual.options:
        fixed = operator.settings.get(setting.name)
        allowed = (
            [fixed]
            if fixed
            else [
                choice
                for choice in setting.choices
                if _made_of(convention.file, choice) <= functions
            ]
        )
        choices.append([(setting.name, choice) for choice in allowed])
    for chosen in product(*choices):
        made_of = (_made_of(convention.file, choice) for _, choice in chosen)
        if not chosen or frozenset().union(*made_of) == functions:
            yield Variant(convention, operator, cell_of(convention.file, operator.cell, chosen))


@cache
def _made_of(file: Path, choice: str) -> frozenset[str]:
    """The functions of the language that are in one that an option may be; none in a word."""
    function = getattr(import_module(f"derive.weights.conventions.{file.stem}"), choice, None)
    formula = function(Quantity("a", (H,))) if function else sp.S.Zero
    return frozenset(type(f).__name__ for f in formula.atoms(Elementwise))


def variant(convention: Convention, operator: Operator, settings: Mapping[str, str]) -> Variant:
    """An operator with these options; CellError where it has no such option or choice."""
    chosen = tuple({**operator.settings, **settings}.items())
    return Variant(convention, operator, cell_of(convention.file, operator.cell, chosen))


@cache
def cell_of(file: Path, title: str, settings: tuple[tuple[str, str], ...] = ()) -> Cell:
    """The equations of that title in a convention's file, with these options."""
    return load(f"{file}:{title}", dict(settings))
