"""A network as the proof of cells sees one: a cell with the states of all parts, and its module."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import sympy as sp

from derive.network.network import Length, Network, Part
from derive.nodes import Axis, CellError, Quantity, Size
from derive.proof.trial import BATCH, STEPS, Trial

Maker = Callable[[Network, str], ModuleType]


class Face:
    """What the proof asks of a cell, of a network: its states are those of all parts."""

    def __init__(self, network: Network):
        self.network, self.name, self.axes = network, network.name, network.axes
        self.equations = ()  # none of them has a derivative that is declared, as a whole
        self.number = next((p.cell.number for p in network.parts if p.cell.number), None)
        self.starts: dict[str, float] = {}
        self.states: list[Quantity] = []
        self.lengths: dict[Axis, Length] = {}
        for part in network.parts:
            for s in part.cell.states:
                state = self._as_wide(part, s, f"{part.name}.{s}")
                self.states.append(state)
                if s.name in part.cell.starts:
                    self.starts[state.name] = part.cell.starts[s.name]
        first = network.parts[0]
        self.inputs = tuple(self._as_wide(first, q, q.name) for q in network.inputs)
        self.untrained = frozenset(
            f"{part.name}.{name}" for part in network.parts for name in part.cell.untrained
        )

    def _as_wide(self, part: Part, q: Quantity, name: str) -> Quantity:
        """One of a part's quantities under another name, with axes that are no other part's."""
        axes = tuple(Axis(f"{part.name}.{a.letter}", a.argument) for a in q.axes)
        self.lengths |= {new: part.sizes[a] for new, a in zip(axes, q.axes, strict=True)}
        return Quantity(name, axes)


class Flat:
    """A network's module with the states of all parts in one tuple, and with masks of its own."""

    def __init__(self, module: Any, masks: Any):
        self.own, self.masks = module, masks
        self.Params, self.Inputs = module.Params, getattr(module, "Inputs", None)
        kinds = [module.Params.PARTS[name] for name in module.State._fields]
        self.counts = [len(kind.STATES) for kind in kinds]
        self.kinds = [kind.STATE for kind in kinds]

    @staticmethod
    def State(*arrays: Any) -> tuple[Any, ...]:
        return arrays

    def nested(self, state: Any) -> Any:
        """The states as the module takes them."""
        if state is None:
            return None
        ends = np.cumsum([0, *self.counts])
        parts = zip(self.kinds, ends[:-1], ends[1:], strict=True)
        return self.own.State(*(kind(*state[a:b]) for kind, a, b in parts))

    @property
    def named_masks(self) -> dict[str, Any]:
        """The masks by their names."""
        return {} if self.masks is None else self.masks._asdict()

    def masks_of(self, dtype: Any) -> dict[str, Any]:
        """The argument that is the masks."""
        if self.masks is None:
            return {}
        return {"masks": self.own.Masks(*(mask.astype(dtype) for mask in self.masks))}

    def forward(self, params: Any, xs: Any, state: Any = None, lengths: Any = None) -> Any:
        masks = self.masks_of(params.flat.dtype)
        ys, last, tape = self.own.forward(params, xs, self.nested(state), lengths, **masks)
        return ys, flat(last), tape

    def backward(self, params: Any, tape: Any, dys: Any, dstate: Any = None) -> Any:
        dparams, dxs, first = self.own.backward(params, tape, dys, self.nested(dstate))
        return dparams, dxs, flat(first)

    def step(self, params: Any, x: Any, state: Any, *number: int) -> Any:
        y, new = self.own.step(params, x, self.nested(state), *number)
        return y, flat(new)

    def jvp(self, params: Any, tape: Any, params_dot: Any, xs_dot: Any, state_dot: Any) -> Any:
        ys_dot, last = self.own.jvp(params, tape, params_dot, xs_dot, self.nested(state_dot))
        return ys_dot, flat(last)

    def hvp(
        self, params: Any, tape: Any, dys: Any, params_dot: Any, xs_dot: Any, state_dot: Any,
        dstate: Any,
    ) -> Any:  # fmt: skip
        dparams, dxs, first = self.own.hvp(
            params, tape, dys, params_dot, xs_dot, self.nested(state_dot), self.nested(dstate)
        )
        return dparams, dxs, flat(first)


def flat(state: Any) -> tuple[Any, ...]:
    """The arrays of all parts."""
    return tuple(array for part in state for array in part)


def sizes_of(network: Network) -> dict[Axis, int]:
    """A small length for each size that is an argument, so that what has to be the same is."""
    sizes: dict[Axis, int] = {}
    for one, other in ((c.found, c.needed) for c in network.conditions):
        for size, value in ((one, other), (other, one)):
            if isinstance(size, Size) and isinstance(value, sp.Integer):
                sizes[size.axis] = int(value)
    for k, axis in enumerate(a for a in network.axes if a not in sizes):
        sizes[axis] = 2 + k
    for c in network.conditions:
        if length(c.found, sizes) != length(c.needed, sizes):
            raise CellError(f"no sizes were found for which layer `{c.who}` fits")
    return sizes


def length(formula: Length, sizes: dict[Axis, int]) -> int:
    """A length, with numbers in the place of sizes."""
    return int(formula.subs({size: sizes[size.axis] for size in formula.atoms(Size)}))


class NetworkTrial(Trial):
    """A network's module at a random point, as `Trial` is of a cell's."""

    def lengths_of_axes(self) -> dict[Axis, int]:
        face: Any = self.cell
        sizes = sizes_of(face.network)
        return sizes | {axis: length(formula, sizes) for axis, formula in face.lengths.items()}


def made(make: Maker, *, masked: bool) -> Callable[[Any, str], Any]:
    """What makes a module for a trial, with random masks if it has any."""

    def module(face: Any, store: str) -> Flat:
        found = make(face.network, store)
        if not masked or not hasattr(found, "masks"):
            return Flat(found, None)
        sizes = sizes_of(face.network)
        params = found.Params(*(sizes[axis] for axis in face.axes))
        return Flat(found, found.masks(np.random.default_rng(1), params, STEPS, BATCH))

    return module
