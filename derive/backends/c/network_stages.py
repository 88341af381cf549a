"""The stages of a network as its templates see them: under names, with the arrays that are between
them."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from derive.backends.c.network_cells import CellModule
from derive.network.network import Dropout, Layer, Length, Part
from derive.nodes import Quantity


@dataclass(frozen=True)
class Array:
    """Numbers of all steps: what they are called, how many each step has, and where they are: among
    the `xs` of the caller, his `ys`, or `kept` on the tape; and what their adjoints are called,
    their tangents, and the tangents of their adjoints."""

    name: str
    width: Length
    where: str = "kept"
    bar: str = ""
    dot: str = ""
    bar_dot: str = ""


@dataclass(frozen=True)
class PartView:
    """A part of the network under its names.

    part    the part
    cell    the functions of its cell
    name    what it is called
    inputs  where its cell's inputs are, masks among them
    turned  copies of them in the part's own order, where that is not the order of time
    masks   for each of its masks the array that it is kept in
    out     where its outputs are
    states  for each of its states the field of the network's states
    """

    part: Part
    cell: CellModule
    name: str
    inputs: tuple[Array, ...]
    turned: tuple[Array, ...]
    masks: tuple[Array, ...]
    out: Array
    states: dict[Quantity, str]

    @property
    def given(self) -> tuple[Array, ...]:
        """What its cell is given."""
        return self.turned or self.inputs

    def state_width(self, state: Quantity) -> Length:
        """How many numbers a state has in each sequence."""
        return sp.Mul(*(self.part.sizes[axis] for axis in state.axes))

    def streamed(self, stage: StageView) -> tuple[Array, ...]:
        """The same, in a stream."""
        return (*stage.alone, *self.masks)


@dataclass(frozen=True)
class StageView:
    """A stage of the network under its names.

    source  what it is given
    alone   the same, where dropout lets all through
    out     what it hands on
    mask    the array that dropout multiplies with
    """

    stage: Layer | Dropout
    source: tuple[Array, ...]
    alone: tuple[Array, ...]
    parts: tuple[PartView, ...]
    out: Array
    mask: Array | None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.stage.name
