"""A network: layers of cells, one above the other, checked when it is made.

`Network` is the value that the backends start from. Its layers run one after the other over whole
sequences, so that each is generated as a cell is, and what is between them is handed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import sympy as sp

from derive import wellformed
from derive.cell import Cell, Map, Setting
from derive.nodes import Axis, CellError, Quantity, Size

Length: TypeAlias = sp.Expr  # a number, or a formula of sizes that are arguments


@dataclass(frozen=True)
class Part:
    """A cell in its place.

    name     of its parameters and its state
    cell     with a mask for each state that zoneout keeps, as its last inputs
    sizes    the lengths of its axes
    zoneout  for each state that has a mask, the mask, and how likely a unit keeps what it was
    reverse  whether it runs from the end of each sequence to its beginning
    """

    name: str
    cell: Cell
    sizes: Mapping[Axis, Length]
    zoneout: Mapping[Quantity, tuple[Quantity, float]] = field(default_factory=dict)
    reverse: bool = False

    @property
    def inputs(self) -> tuple[Quantity, ...]:
        """What its cell is given, apart from the masks of zoneout."""
        return self.cell.inputs[: len(self.cell.inputs) - len(self.zoneout)]

    @property
    def masks(self) -> dict[Quantity, str]:
        """The masks, and what the network calls them: after the part and the state."""
        return {mask: f"{self.name}_{state}" for state, (mask, _) in self.zoneout.items()}

    @property
    def width(self) -> Length:
        """How many numbers come out of a step."""
        return sp.Mul(*(self.sizes[axis] for axis in self.cell.output.axes))


@dataclass(frozen=True)
class Layer:
    """One part, or the two directions of a sequence side by side."""

    name: str
    parts: tuple[Part, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it gives: its own, those of its directions, and those of masks."""
        masks = (name for part in self.parts for name in part.masks.values())
        return (*dict.fromkeys((self.name, *(part.name for part in self.parts))), *masks)

    @property
    def width(self) -> Length:
        """How many numbers come out of a step."""
        return sp.Add(*(part.width for part in self.parts))


@dataclass(frozen=True)
class Dropout:
    """What is between two layers, times a mask: 0 with probability `rate`, else 1 / (1 - rate)."""

    name: str
    rate: float
    width: Length

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it gives."""
        return (self.name,)


@dataclass(frozen=True)
class Loss:
    """What outputs are compared with their targets by.

    map     its equations; their first input is the output, the second one the target
    sizes   the lengths of its axes
    values  the numbers that its parameters are, each for one of the outputs of a target
    """

    map: Map
    sizes: Mapping[Axis, Length]
    values: Mapping[Quantity, tuple[float, ...]] = field(default_factory=dict)

    @property
    def target(self) -> Quantity:
        """What an output is compared with."""
        return self.map.inputs[1]

    @property
    def count(self) -> int:
        """How many outputs each target has."""
        return max(map(len, self.values.values()), default=1)


@dataclass(frozen=True)
class Condition:
    """Two lengths that have to be the same, which only arguments will tell, and whose they are."""

    found: Length
    needed: Length
    who: str


@dataclass(frozen=True)
class Network:
    """A network.

    name        the generated module's name
    title       the name for people
    doc         what the author says of it
    stages      layers, and what is between them, from the inputs to the outputs
    conditions  what arguments have to fulfil
    loss        what its outputs are compared with targets by
    """

    name: str
    title: str
    doc: str
    stages: tuple[Layer | Dropout, ...]
    conditions: tuple[Condition, ...] = ()
    loss: Loss | None = None

    def __post_init__(self) -> None:
        wellformed.check_module_name(self.name)
        if not any(part.cell.states for part in self.parts):
            raise CellError(
                f"{self.title} has no layer that hands anything on from step to step: write "
                f'Layer("gru", 64)'
            )
        wellformed.check_axes(self.axes)
        called = [name for stage in self.stages for name in stage.names]
        for name in called:
            wellformed.check_name(name)
            if called.count(name) > 1:
                raise CellError(f"two things in the network are called `{name}`: rename a layer")

    @property
    def options(self) -> tuple[Setting, ...]:
        """What a person may set: nothing; options of cells stand behind their names."""
        return ()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The stages that are layers."""
        return tuple(stage for stage in self.stages if isinstance(stage, Layer))

    @property
    def dropouts(self) -> tuple[Dropout, ...]:
        """The others."""
        return tuple(stage for stage in self.stages if isinstance(stage, Dropout))

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every cell in its place."""
        return tuple(part for layer in self.layers for part in layer.parts)

    @property
    def inputs(self) -> tuple[Quantity, ...]:
        """What the first layer is given."""
        return self.parts[0].inputs

    @property
    def width(self) -> Length:
        """How many numbers come out of a step."""
        return self.stages[-1].width

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The sizes that are arguments."""
        lengths = (length for part in self.parts for length in part.sizes.values())
        sizes = (size for length in lengths for size in sorted(length.atoms(Size), key=str))
        return tuple(dict.fromkeys(size.axis for size in sizes))

    @property
    def is_streaming(self) -> bool:
        """Whether it can run step by step: no part waits for the end of a sequence."""
        return not any(part.reverse for part in self.parts)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The different cells, in the order in which they come, the loss's equations last."""
        every = [part.cell for part in self.parts] + ([self.loss.map] if self.loss else [])
        return tuple(cell for k, cell in enumerate(every) if cell not in every[:k])
