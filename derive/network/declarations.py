"""The declarations of a network's body: layers, what is between them, and the output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from derive.cell import Cell
from derive.network import network
from derive.network.cells import cell_of, loss_of, map_of
from derive.network.sizes import Given, axis_called, length, main_axis, sized
from derive.network.zoneout import zoneout
from derive.nodes import CellError, I, Quantity, Size, shape


@dataclass
class Building:
    """A network while its body is read.

    width       how many numbers the next layer is given in each step
    stages      what has come so far
    conditions  what arguments have to fulfil
    loss        what the outputs are trained by; there is no layer after it
    """

    width: network.Length = field(default_factory=lambda: Size(I))
    stages: list[network.Layer | network.Dropout] = field(default_factory=list)
    conditions: list[network.Condition] = field(default_factory=list)
    output: str = ""
    loss: network.Loss | None = None


class Declaration:
    """Something declared in a network's body; the name it is assigned to becomes its name."""

    def _place(self, name: str, building: Building) -> None:
        """Add it to the network."""
        raise NotImplementedError


class Layer(Declaration):
    """A cell over the whole sequence, from its beginning to its end.

    cell     a built-in cell's name, the file of one's own, or the class itself
    size     the length of its axis H, its hidden units: a number, or an axis that becomes an
             argument of the network
    zoneout  how likely a unit keeps what it was, in each step: of all states, or for each by name
    sizes    the lengths of its other axes, by letter or by argument: ``projection_size=16``
    """

    directions: Mapping[str, bool] = {"": False}  # what the parts' names end with, and their sense

    def __init__(
        self,
        cell: str | Cell,
        size: Given | None = None,
        *,
        zoneout: float | Mapping[str, float] = 0,
        **sizes: Given,
    ):
        self.cell, self.size, self.zoneout, self.sizes = cell, size, zoneout, sizes

    def _place(self, name: str, building: Building) -> None:
        cell = cell_of(self.cell)
        if building.stages and len(cell.inputs) > 1:
            listed = " and ".join(f"`{q}`" for q in cell.inputs)
            raise CellError(
                f"layer `{name}`: {cell.name} is given {listed}, and only the first layer of a "
                f"network can have several inputs"
            )
        own = {} if self.size is None else {main_axis(cell, name): length(name, self.size)}
        own |= {axis_called(cell, name, k): length(name, n) for k, n in self.sizes.items()}
        sizes, conditions = sized(cell, name, own, building.width)
        zoned, masks = zoned_out(cell, name, self.zoneout)
        parts = (
            network.Part(name + end, zoned, sizes, masks, reverse)
            for end, reverse in self.directions.items()
        )
        layer = network.Layer(name, tuple(parts))
        building.stages.append(layer)
        building.conditions += conditions
        building.width = layer.width


class Bidirectional(Layer):
    """A layer twice, with parameters of its own for each direction: from the beginning of each
    sequence to its end, and from the end to the beginning. Their outputs stand side by side."""

    directions = {"_forward": False, "_backward": True}


class Dropout(Declaration):
    """What comes from below, each number 0 with probability `rate`, and else divided by 1 - rate.
    Srivastava et al. (2014), Journal of Machine Learning Research 15."""

    def __init__(self, rate: float):
        self.rate = rate

    def _place(self, name: str, building: Building) -> None:
        rate = probability(f"dropout `{name}`", self.rate)
        building.stages.append(network.Dropout(name, rate, building.width))


class Output(Declaration):
    """The last layer, an affine map, and what it is trained by.

    size    how many targets there are: numbers, or classes
    loss    "squared_error", "cross_entropy", "quantile", or a `Map` of one's own, whose first input
            is the output and whose second one is the target
    values  of the loss's own vectors, a number for each of the outputs that a target has:
            ``Output(1, "quantile", level=[0.1, 0.5, 0.9])`` has three
    """

    def __init__(self, size: Given, loss: str | Cell | None = None, **values: Iterable[float]):
        self.size, self.loss, self.values = size, loss, values

    def _place(self, name: str, building: Building) -> None:
        loss = loss_of(name, self.loss, self.values)
        count = loss.count if loss else 1
        Layer(map_of("affine"), length(name, self.size) * count)._place(name, building)
        building.output = name
        if loss:
            sizes = dict.fromkeys(loss.map.input.axes, building.width)
            building.loss = replace(loss, sizes=sizes)


def probability(whose: str, rate: Any) -> float:
    """A probability below 1; CellError for anything else."""
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not is_number or not 0 <= rate < 1:
        raise CellError(f"{whose} has the probability {rate!r}: a number from 0 up to 1 is needed")
    return float(rate)


def zoned_out(
    cell: Cell, name: str, rates: float | Mapping[str, float]
) -> tuple[Cell, dict[Quantity, tuple[Quantity, float]]]:
    """The cell with zoneout of its states, all of them or those that are named; and for each of
    these its mask, and how likely it keeps what it was.

    Raises CellError for a state that is no vector, since no input is a matrix, and for one that is
    not there.
    """
    by_name = rates if isinstance(rates, Mapping) else {s.name: rates for s in cell.states}
    states = {s.name: s for s in cell.states}
    chosen: dict[Quantity, float] = {}
    for state, rate in by_name.items():
        if state not in states:
            raise CellError(
                f"zoneout of layer `{name}`: {cell.name} has no state `{state}`; it has "
                f"{', '.join(states) or 'none'}"
            )
        if probability(f"zoneout of layer `{name}`", rate):
            chosen[states[state]] = float(rate)
    for state in chosen:
        others = [s for s in cell.states if len(s.axes) < 2 and s.name not in cell.starts]
        instead = (
            f"say which states have it, as in zoneout={{{str(others[-1])!r}: 0.1}}"
            if others
            else "no state of it can have zoneout"
        )
        if len(state.axes) > 1:
            raise CellError(
                f"zoneout of layer `{name}`: the state `{state}` of {cell.name} has shape "
                f"{shape(state.axes)}, and a mask is a vector; {instead}"
            )
        if state.name in cell.starts:
            raise CellError(
                f"zoneout of layer `{name}`: the state `{state}` of {cell.name} starts at "
                f"{cell.starts[state.name]:g}, and zoneout would keep a share of that; {instead}"
            )
    if not chosen:
        return cell, {}
    zoned, masks = zoneout(cell, chosen)
    return zoned, {state: (masks[state], rate) for state, rate in chosen.items()}
