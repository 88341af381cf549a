"""A network in C99, a header and a file: what the templates are filled with.

The routines of each cell stand in the file once, as functions that nobody else sees, and on one
kernel. What is handed from stage to stage lies on the tape, behind the cells' own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import sympy as sp

from derive import VERSION
from derive.backends.c.lines import folded
from derive.backends.c.module import POLICY
from derive.backends.c.network_cells import CellModule
from derive.backends.c.network_stages import Array, PartView, StageView
from derive.backends.c.printer import PARTS, literal
from derive.backends.c.words import OF_NETWORK, WORDS
from derive.backends.lengths import LengthPrinter, LengthsTold
from derive.backends.scalar.lines import in_comment
from derive.cell import Cell
from derive.names import fresh
from derive.network.network import Dropout, Length, Network, Part
from derive.nodes import Axis, Quantity
from derive.program.program import Program
from derive.render import render

STORES = ("all", "states")


def files(network: Network, store: str = "all") -> dict[str, str]:
    """The names and texts of the header and the file."""
    module = NetworkModule(network, store)
    return {
        f"{network.name}.{end}": folded(render(f"c/network/module.{end}.j2", module=module))
        for end in ("h", "c")
    }


class NetworkModule(LengthsTold):
    """The generated files as the templates see them."""

    def __init__(self, network: Network, store: str = "all"):
        self.network, self.prefix = network, network.name
        self.taken = {*WORDS, *OF_NETWORK}
        self.state_fields, self.mask_fields = set(WORDS), set(WORDS)
        self.cells = self._cells(store)
        sizes = set(WORDS)
        self.arguments = {axis: fresh(axis.argument, sizes) for axis in network.axes}
        self.inputs = {q: fresh(q.name, self.taken) for q in network.inputs}
        self.masks: dict[str, Array] = {}  # by their names in the struct of the caller's masks
        self.rates: dict[str, tuple[float, bool]] = {}  # and which of them are larger for it
        self.stages = self._stages()

    def _cells(self, store: str) -> list[CellModule]:
        """The modules of the different cells, in the order of the network."""
        network, made = self.network, []
        names: set[str] = set()
        for cell in network.cells:
            is_trained = any(part.cell == cell for part in network.parts)
            program, name = Program(cell, store, POLICY), fresh(cell.name, names)
            streams = is_trained and network.is_streaming
            made.append(CellModule(program, network.name, name, is_trained, streams))
        return made

    def module_of(self, cell: Cell) -> CellModule:
        """The module of a cell."""
        return self.cells[self.network.cells.index(cell)]

    # stages and what they hand on

    def _array(self, name: str, width: Length, where: str = "kept") -> Array:
        names = name, f"d{name}", f"{name}_dot", f"d{name}_dot"
        own, *others = (fresh(n, self.taken) for n in names)
        return Array(own, width, where, *others)

    def _stages(self) -> list[StageView]:
        sizes = self.network.parts[0].sizes
        given = tuple(
            Array(name, sp.Mul(*(sizes[axis] for axis in q.axes)), "xs", name)
            for q, name in self.inputs.items()
        )
        through, made = given, []
        for stage in self.network.stages:
            is_last = stage is self.network.stages[-1]
            out = Array("ys", stage.width, "ys", "dys") if is_last else None
            parts: tuple[PartView, ...] = ()
            mask = None
            if isinstance(stage, Dropout):
                mask = self._mask(stage.name, stage.width, stage.rate, is_scaled=True)
                out = out or self._array(stage.name, stage.width)
            else:
                outs = [out if len(stage.parts) == 1 else None for _ in stage.parts]
                pairs = zip(stage.parts, outs, strict=True)
                parts = tuple(self._part(part, given, where) for part, where in pairs)
                alone = parts[0].out if len(parts) == 1 else None
                out = alone or out or self._array(stage.name, stage.width)
            made.append(StageView(stage, given, through, parts, out, mask))
            through = (out,) if parts else through
            given = (out,)
        return made

    def _part(self, part: Part, given: tuple[Array, ...], out: Array | None) -> PartView:
        masks = []
        for mask, rate in part.zoneout.values():
            width = sp.Mul(*(part.sizes[axis] for axis in mask.axes))
            masks.append(self._mask(part.masks[mask], width, rate, is_scaled=False))
        inputs = (*given, *masks)
        pairs = zip(part.cell.inputs, inputs, strict=True) if part.reverse else ()
        turned = (self._array(f"{part.name}_{q}", array.width) for q, array in pairs)
        return PartView(
            part,
            self.module_of(part.cell),
            fresh(part.name, self.taken),
            inputs,
            tuple(turned),
            tuple(masks),
            out or self._array(f"{part.name}_ys", part.width),
            {s: fresh(f"{part.name}_{s}", self.state_fields) for s in part.cell.states},
        )

    def _mask(self, name: str, width: Length, rate: float, *, is_scaled: bool) -> Array:
        array = self._array(f"{name}_mask", width)
        field = fresh(name, self.mask_fields)
        self.masks[field], self.rates[field] = array, (rate, is_scaled)
        return array

    @property
    def parts(self) -> list[PartView]:
        """Every part."""
        return [part for stage in self.stages for part in stage.parts]

    @property
    def states(self) -> dict[str, tuple[PartView, Quantity]]:
        """The fields of the network's states."""
        return {field: (part, s) for part in self.parts for s, field in part.states.items()}

    @property
    def kept(self) -> list[Array]:
        """The arrays that lie on the tape beside the tapes of cells."""
        found: list[Array] = list(self.masks.values())
        for stage in self.stages:
            for part in stage.parts:
                found += [*part.turned, *([part.out] if len(stage.parts) > 1 else [])]
            found += [stage.out] if stage.out.where == "kept" else []
        return list(dict.fromkeys(found))

    @property
    def adjoints(self) -> list[Array]:
        """The arrays whose adjoints lie in the workspace: of a cell's masks, too, which nobody
        reads."""
        turned = {array for part in self.parts for array in part.turned}
        return [a for a in self.kept if a in turned or not self._is_mask_by_itself(a)]

    def _is_mask_by_itself(self, array: Array) -> bool:
        """Whether it is a mask that no cell is given: that of dropout, or one that is turned."""
        given = {a for part in self.parts for a in part.given}
        return array in self.masks.values() and array not in given

    @property
    def moving(self) -> list[Array]:
        """The kept arrays that have tangents: all but masks, which stay as they are."""
        still = {*self.masks.values()}
        for part in self.parts:
            pairs = zip(part.inputs, part.given, strict=True)
            still |= {own for array, own in pairs if array in part.masks}
        return [array for array in self.kept if array not in still]

    @property
    def lowest(self) -> StageView:
        """The first stage that is a layer."""
        return next(stage for stage in self.stages if stage.parts)

    @property
    def streamed(self) -> list[Array]:
        """The arrays of one step that a stream has in its workspace."""
        outs = [stage.out for stage in self.stages if stage.parts and stage.out.where == "kept"]
        return [*outs, *(mask for part in self.parts for mask in part.masks)]

    @property
    def has_one_input(self) -> bool:
        """Whether the inputs are one array."""
        return len(self.inputs) == 1

    @property
    def number(self) -> bool:
        """Whether any cell reads the number of the step."""
        return any(part.cell.cell.number for part in self.parts)

    @property
    def is_both_ways(self) -> bool:
        """Whether any part runs from end to beginning."""
        return not self.network.is_streaming

    @property
    def loss(self) -> CellModule | None:
        """What outputs are compared with targets by."""
        return self.module_of(self.network.loss.map) if self.network.loss else None

    # lengths

    def text(self, length: Length) -> str:
        """A length, from the sizes of a run."""
        return LengthPrinter(self.arguments, "run->sizes.")(length)

    def shape(self, leading: str, axes: Iterable[Axis]) -> str:
        """The shape of an input for people."""
        return " * ".join([*leading.split(), *self.widths(axes)])

    @cached_property
    def sizes(self) -> list[str]:
        """What all cells call their sizes."""
        names = (cell.names.argument(axis) for cell in self.cells for axis in cell.axes)
        return list(dict.fromkeys(names))

    @property
    def conditions(self) -> str:
        """What sizes have to fulfil, for people."""
        told = (
            f"{c.who} is given {self.letters(c.found)} numbers in each step, and takes "
            f"{self.letters(c.needed)}: these must be the same."
            for c in self.network.conditions
        )
        return " ".join(told)

    def keeps(self, mask: Array) -> float:
        """What a mask is on average."""
        field = next(field for field, array in self.masks.items() if array == mask)
        rate, is_scaled = self.rates[field]
        return 1.0 if is_scaled else 1.0 - rate

    # what the cells rest on

    is_checkpointed = False

    @property
    def run_type(self) -> str:
        """The type of what the functions of a cell's routines run on."""
        return f"{self.prefix}_layer_run"

    @property
    def own(self) -> str:
        """That several cells share what the templates of one cell say."""
        return self.prefix

    @property
    def functions(self) -> list[str]:
        """The functions that the language has not, and the file needs, after what they rest on."""
        needed = {name for cell in self.cells for name in cell.functions}
        return [*(part for part in PARTS if part in needed), *sorted(needed - PARTS.keys())]

    @property
    def has_products(self) -> bool:
        """Whether there are matrices to multiply with."""
        return any(cell.has_products for cell in self.cells)

    @property
    def has_unpacked_products(self) -> bool:
        """Whether a step may multiply with them where they are."""
        return any(cell.streams and cell.has_unpacked_products for cell in self.cells)

    @property
    def has_shares(self) -> bool:
        """Whether there are gradients of vectors or matrices, whose entries threads share."""
        return any(cell.has_shares for cell in self.cells)

    @property
    def has_outer_totals(self) -> bool:
        """Whether there are gradients of matrices."""
        return any(cell.has_outer_totals for cell in self.cells)

    @property
    def glorot(self) -> bool:
        """Whether any parameter is a matrix that is drawn at first."""
        return any(cell.glorot for cell in self.cells)

    # for people

    def literal(self, value: float) -> str:
        """A number."""
        return literal(float(value))

    @property
    def made(self) -> str:
        """Who made the files, from what."""
        return f"Generated by Cellwright {VERSION} from the network `{self.network.name}`."

    @property
    def title(self) -> str:
        """Its name for people."""
        return in_comment(self.network.title)

    @property
    def doc(self) -> str:
        """What the author says of it."""
        return in_comment(self.network.doc)
