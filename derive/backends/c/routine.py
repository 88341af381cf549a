"""A routine as the C templates see it: phases, each a function of a few rows.

Products are made for all the rows at once, so that what is packed is read once; what stands between
two products is one loop over the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from types import MappingProxyType

from derive.backends.c.printer import CPrinter
from derive.backends.printer import summed
from derive.backends.scalar.routine import Routine
from derive.backends.weight import Weight
from derive.nodes import Quantity
from derive.program.buffers import Buffer, Region, Role, Span
from derive.program.interface import Call
from derive.program.naming import Names
from derive.program.program import Program
from derive.program.statements import TOTALS, Group, OuterTotal, Product, PullBack, Statement

# The first of the rows that a product is about.
FIRST: Mapping[Span, str] = MappingProxyType(
    {
        Span.ONCE: "",
        Span.STEP: "(first - t * B)",
        Span.STEPS: "first",
        Span.TRAJECTORY: "first",
    }
)
PACKED = (Product, PullBack)  # whose matrices lie in panels


@dataclass(frozen=True)
class Packed:
    """A matrix in panels; `is_transposed` for products with its transpose. `steps` are those from
    row to row and from column to column, where it lies among the parameters."""

    name: str
    weight: Weight
    rows: str
    columns: str
    steps: str
    is_transposed: bool


@dataclass(frozen=True)
class Phase:
    """A function of a few rows.

    kind    "before", "step" and "after" are about rows; "constants" about none, but what depends on
            parameters alone
    parts   products, and runs of everything else
    output  what the caller gets of these rows
    """

    routine: str
    kind: str
    parts: tuple[tuple[bool, tuple[Statement, ...]], ...]
    output: Quantity | None

    @property
    def name(self) -> str:
        """What the function is called."""
        return f"{self.routine}_{self.kind}"

    @property
    def is_once(self) -> bool:
        """Whether it is about no rows."""
        return self.kind == "constants"

    @property
    def is_step(self) -> bool:
        """Whether its rows are of one step."""
        return self.kind == "step"


@dataclass(frozen=True)
class Field:
    """An array that a routine's functions share: its type, and the argument that it is, or how many
    numbers it takes of the workspace; and how many a row has, where it is the caller's."""

    name: str
    type: str
    source: str
    count: str
    width: str = ""

    def or_as(self, other: Field) -> Field:
        """With room for another of that name, too: what one routine needs for a step, the next may
        need for all of them."""
        return replace(self, count=" + ".join(dict.fromkeys((self.count, other.count))))


class CRoutine(Routine):
    """A routine, in phases.

    kind  which one it is
    name  what its functions' names begin with
    """

    def __init__(
        self,
        kind: str,
        name: str,
        program: Program,
        call: Call,
        names: Names,
        handed: Mapping[Quantity, Region] = MappingProxyType({}),
    ):
        super().__init__(program, call, names, CPrinter, handed)
        self.kind, self.name = kind, name

    @property
    def is_streaming(self) -> bool:
        """Whether it is one step by itself."""
        return self.kind == "step"

    @property
    def returned(self) -> str:
        """What the array of outputs is called; empty where it gives none."""
        given = {"forward": "ys", "jvp": "ys_dot"}
        return given.get(self.kind, "")

    @property
    def extra(self) -> list[Field]:
        """That array, as a field."""
        return [Field(self.returned, "real *", self.returned, "")] if self.returned else []

    # what runs

    @property
    def constants_phase(self) -> Phase | None:
        """What is computed once, from parameters alone."""
        return self.phase("constants", self.once)

    @property
    def before_phase(self) -> Phase | None:
        """What is computed for all rows before the loop over steps."""
        return self.phase("before", self.before)

    @property
    def step_phase(self) -> Phase | None:
        """One step."""
        output = self.output_of(self.during_defined) if self.returned else None
        return self.phase("step", self.during, output)

    @property
    def after_phase(self) -> Phase | None:
        """What is computed for all rows after the loop over steps."""
        late = [s for s in self.after if not isinstance(s, TOTALS)]
        is_late = self.returned and not self.output_of(self.during_defined)
        output = self.call.output if is_late else None
        return self.phase("after", late, output)

    @property
    def phases(self) -> list[Phase]:
        """All of them."""
        some = (self.constants_phase, self.before_phase, self.step_phase, self.after_phase)
        return [phase for phase in some if phase]

    @property
    def during_defined(self) -> set[Quantity]:
        """What a step computes."""
        return {e.lhs for e in self.loop.during}

    def output_of(self, defined: set[Quantity]) -> Quantity | None:
        """The output, where it is among these."""
        return self.call.output if self.call.output in defined else None

    def phase(
        self, kind: str, statements: Iterable[Statement], output: Quantity | None = None
    ) -> Phase | None:
        """A function with these statements, if there is anything for it to do."""
        runs = groupby(statements, key=lambda s: isinstance(s, PACKED))
        parts = tuple((is_product, tuple(some)) for is_product, some in runs)
        return Phase(self.name, kind, parts, output) if parts or output else None

    @property
    def totals(self) -> list[Statement]:
        """The sums over all rows, gradients of parameters."""
        return [s for s in self.after if isinstance(s, TOTALS)]

    @property
    def outer_totals(self) -> list[Statement]:
        """Those that are gradients of matrices."""
        return [s for s in self.totals if isinstance(s, OuterTotal)]

    # matrices in panels

    @cached_property
    def packed(self) -> dict[tuple[Group, bool], Packed]:
        """The matrices that it multiplies with, by what they are and whether transposed."""
        every = (s for s in self.call.routine.statements if isinstance(s, PACKED))
        return {key: self.pack(*key) for s in every for key in [packing(s)]}

    def pack(self, matrices: Group, is_transposed: bool) -> Packed:
        """Matrices one above the other, or the one there is, packed."""
        weight, rows = self.weight(matrices), self.rows_of(matrices)
        columns = self.columns(matrices)
        steps = f"{columns}, 1"
        if is_transposed:
            rows, columns, steps = columns, rows, f"1, {columns}"
        key = ("packed", weight.name, is_transposed)
        name = self.names.scratch(key, f"packed_{weight.name}{'_T' * is_transposed}")
        return Packed(name, weight, rows, columns, steps, is_transposed)

    def packed_for(self, s: Product | PullBack) -> Packed:
        """The packed matrix of a product."""
        return self.packed[packing(s)]

    def rows_of(self, matrices: Group) -> str:
        """How many rows matrices have, one above the other."""
        return summed(" * ".join(map(self.names.size, q.axes[:-1])) for q in matrices)

    # where things lie

    def pointer(self, group: Group, rows: Mapping[Span, str] = FIRST) -> str:
        """Where the first row of a quantity, or of several side by side, begins."""
        if group[0] in self.program.parameters:
            return self.weight(group).name
        start = self.start(group, rows=rows)
        array = self.array_of(group)
        return array if start == "0" else f"{array} + {start}"

    def whole(self, group: Group) -> str:
        """Where the first of all rows begins."""
        return self.pointer(group, dict.fromkeys(Span, ""))

    def stride(self, group: Group) -> str:
        """From one row to the next; 0 where all have the same."""
        if group[0] in self.fixed:
            return "0"
        return self.width(self.memory.region(group).buffer.parts)

    # what it is given, and makes

    @cached_property
    def given(self) -> list[Buffer]:
        """The arrays that it reads and has not made."""
        return [b for b in self.buffers_of(self.seen) if b not in self.memory.own]

    @property
    def results(self) -> list[Buffer]:
        """The arrays of all steps that the caller gets."""
        return [b for b in self.arrays if b.role is Role.RESULT]


def packing(s: Product | PullBack) -> tuple[Group, bool]:
    """What a product's packed matrix is known by."""
    return s.matrices, isinstance(s, PullBack)
