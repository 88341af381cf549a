"""The stages of a network as its templates see them: under names."""

from __future__ import annotations

from dataclasses import dataclass

from derive.backends.numpy.network_cells import Named
from derive.network.network import Dropout, Layer, Part


@dataclass(frozen=True)
class Handed:
    """What one stage hands to the next: its name, and those of what is derived of it."""

    value: str
    bar: str
    dot: str
    bar_dot: str


@dataclass(frozen=True)
class PartView:
    """A part of the network under its names.

    part     the part
    cell     the functions of its cell
    below    what it is given by the stage below
    out      what it hands on
    state    its last state, and what is derived of it
    tape     what its forward keeps
    field    what that is called on the tape of the network
    masks    the masks that its cell is given last
    """

    part: Part
    cell: Named
    below: Handed
    out: Handed
    state: Handed
    tape: str
    field: str
    masks: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called where each part has an entry."""
        return self.part.name


@dataclass(frozen=True)
class StageView:
    """A stage of the network under its names: what it is given, its parts, what it hands on."""

    stage: Layer | Dropout
    source: Handed
    parts: tuple[PartView, ...]
    out: Handed

    @property
    def name(self) -> str:
        """What it is called."""
        return self.stage.name
