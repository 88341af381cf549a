"""A network as a Python module that needs nothing but NumPy: what the templates are filled with.

The routines of each cell stand in it once, under names of their own, without the checks that the
network's functions make.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import sympy as sp

from derive import VERSION
from derive.backends.lengths import LengthPrinter, LengthsTold
from derive.backends.numpy.module import POLICY, Module
from derive.backends.numpy.network_cells import CellModule, Named
from derive.backends.numpy.network_stages import Handed, PartView, StageView
from derive.backends.numpy.words import ATTRIBUTES, FUNCTIONS, NETWORK
from derive.backends.python_lines import folded, in_docstring
from derive.backends.python_names import refuse_hiding
from derive.cell import Cell
from derive.names import fresh
from derive.network.network import Dropout, Layer, Length, Network, Part
from derive.nodes import Axis
from derive.printing import shortest
from derive.program.program import Program
from derive.render import render

STORES = ("all", "states")


def files(network: Network, store: str = "all") -> dict[str, str]:
    """The module's file name and text."""
    refuse_hiding(network.name, {"numpy"}, "needs")
    text = render("numpy/network/module.py.j2", module=NetworkModule(network, store))
    return {f"{network.name}.py": folded(text)}


class NetworkModule(LengthsTold):
    """A generated module as the templates see it."""

    dtypes: tuple[str, ...] = Module.dtypes
    reserved = FUNCTIONS | NETWORK  # what its functions call things, whatever layers are called

    def __init__(self, network: Network, store: str = "all"):
        self.network, self.taken = network, set(self.reserved)
        self.cells = self._cells(store)
        attributes = set(ATTRIBUTES)
        self.arguments = {axis: fresh(axis.argument, attributes) for axis in network.axes}
        self.fields = {"params", "masks", "order", "past"}  # of the tape
        self.stages = self._stages()

    def _cells(self, store: str) -> list[Named]:
        """The modules of the different cells, in the order of the network."""
        prefixes: set[str] = set()
        kinds: set[str] = {""}
        made = []
        for cell in self.network.cells:
            parts = [part for part in self.network.parts if part.cell == cell]
            taken = len(parts[0].inputs) if parts else 1
            prefix, kind = fresh(cell.name, prefixes), fresh(cell.title, kinds)
            uses = ["forward", "backward", "hvp"]
            if parts:
                uses += ["init", "jvp", *(["step"] if self.network.is_streaming else [])]
            made.append(self.named(Program(cell, store, POLICY), prefix, kind, taken, uses))
        return made

    def named(self, *given: Any) -> Named:
        """A cell under its names."""
        return CellModule(*given)

    def module_of(self, cell: Cell) -> Named:
        """The module of a cell."""
        return self.cells[self.network.cells.index(cell)]

    def _stages(self) -> list[StageView]:
        given, made = Handed("xs", "dxs", "xs_dot", "dxs_dot"), []
        last = Handed("ys", "dys", "ys_dot", "dys_dot")
        for stage in self.network.stages:
            out = last if stage is self.network.stages[-1] else self._handed(stage.name)
            parts = stage.parts if isinstance(stage, Layer) else ()
            views = [
                self._part(
                    part,
                    below=self._handed(f"{given.value}_back") if part.reverse else given,
                    out=out if len(parts) == 1 else self._handed(part.name),
                )
                for part in parts
            ]
            made.append(StageView(stage, given, tuple(views), out))
            given = out
        return made

    def _part(self, part: Part, below: Handed, out: Handed) -> PartView:
        return PartView(
            part,
            self.module_of(part.cell),
            below,
            out,
            self._handed(f"{part.name}_state", f"{part.name}_dstate"),
            fresh(f"{part.name}_tape", self.taken),
            fresh(part.name, self.fields),
            tuple(part.masks.values()),
        )

    def _handed(self, name: str, bar: str = "") -> Handed:
        bar = bar or f"d{name}"
        names = (fresh(n, self.taken) for n in (name, bar, f"{name}_dot", f"{bar}_dot"))
        return Handed(*names)

    # sizes

    def text(self, length: Length, holder: str = "") -> str:
        """A length, in which sizes are arguments, or attributes of `holder`."""
        return LengthPrinter(self.arguments, f"{holder}." if holder else "")(length)

    def shape(self, leading: str, axes: Iterable[Axis]) -> str:
        """The shape of an input for people."""
        return f"({', '.join([*leading.split(), *self.widths(axes)])})"

    # what there is

    @property
    def parts(self) -> list[PartView]:
        """Every part."""
        return [part for stage in self.stages for part in stage.parts]

    @property
    def lowest(self) -> StageView:
        """The first stage that is a layer."""
        return next(stage for stage in self.stages if stage.parts)

    @property
    def recurrent(self) -> list[PartView]:
        """Those that have a state."""
        return [part for part in self.parts if part.cell.recurs]

    @property
    def has_one_input(self) -> bool:
        """Whether the inputs are one array."""
        return len(self.network.inputs) == 1

    @property
    def number(self) -> bool:
        """Whether any cell reads the number of the step."""
        return any(part.cell.number for part in self.parts)

    @cached_property
    def masks(self) -> dict[str, tuple[float, Length, bool]]:
        """For each random mask how likely a number of it is 0, its width, and whether those that
        are not are larger for it."""
        found = {}
        for stage in self.network.stages:
            if isinstance(stage, Dropout):
                found[stage.name] = stage.rate, stage.width, True
            for part in stage.parts if isinstance(stage, Layer) else ():
                for mask, rate in part.zoneout.values():
                    width = sp.Mul(*(part.sizes[axis] for axis in mask.axes))
                    found[part.masks[mask]] = rate, width, False
        return found

    @property
    def has_zoneout(self) -> bool:
        """Whether any of them is for zoneout."""
        return any(part.zoneout for part in self.network.parts)

    @property
    def is_both_ways(self) -> bool:
        """Whether any part runs from end to beginning."""
        return not self.network.is_streaming

    @property
    def loss(self) -> Named | None:
        """What outputs are compared with targets by."""
        return self.module_of(self.network.loss.map) if self.network.loss else None

    @property
    def targets_width(self) -> str:
        """How many numbers a target of a step has, for people."""
        assert self.network.loss
        return self.letters(self.network.width / self.network.loss.count)

    @property
    def starts(self) -> dict[str, float]:
        """The states that do not start at 0."""
        return {
            f"{part.name}.{state}": float(value)
            for part in self.network.parts
            for state, value in part.cell.starts.items()
        }

    @property
    def start_words(self) -> str:
        """Where it starts, for people."""
        told = (f"{name} then starts at {shortest(value)}" for name, value in self.starts.items())
        return "; ".join(("zero if None", *told))

    @property
    def first_on_tape(self) -> str:
        """The first array of inputs on the tape."""
        first = self.parts[0]
        return f"tape.{first.field}.{first.cell.inputs[0]}"

    @property
    def example(self) -> str:
        """The name of a parameter."""
        return next(f"{p.name}.{q}" for p in self.parts for q in p.cell.layout.parameters)

    # of all cells, as templates that serve a cell by itself ask

    @property
    def about(self) -> NetworkModule:
        """What is said of it."""
        return self

    @property
    def has_heads(self) -> bool:
        """Whether any cell has several heads."""
        return any(cell.about.has_heads for cell in self.cells)

    @property
    def has_matrices(self) -> bool:
        """Whether any state is no vector."""
        return any(cell.has_matrices for cell in self.cells)

    @property
    def helpers(self) -> set[str]:
        """The functions that NumPy has not, and any cell needs."""
        return {name for cell in self.cells for name in cell.helpers}

    @property
    def made(self) -> str:
        """Who made the file, from what."""
        return f"Generated by Cellwright {VERSION} from the network `{self.network.name}`."

    @property
    def title(self) -> str:
        """Its name for people."""
        return in_docstring(self.network.title)

    @property
    def doc(self) -> str:
        """What the author says of it."""
        return in_docstring(self.network.doc)
