"""A cell in C99, a header and a file: what the templates are filled with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import sympy as sp

from derive.backends.c.lines import folded
from derive.backends.c.printer import (
    PARTS,
    CPrinter,
    as_real,
    behind_prepared,
    helpers,
    literal,
    panels,
)
from derive.backends.c.routine import CRoutine, Field, Packed
from derive.backends.c.words import WORDS
from derive.backends.printer import width
from derive.backends.scalar.entries import place, times
from derive.backends.scalar.module import ScalarModule
from derive.backends.weight import Weight
from derive.entries import RANKS
from derive.nodes import Axis, H, I, Quantity
from derive.program.buffers import Buffer, Region, Role
from derive.program.interface import Call
from derive.program.naming import Names
from derive.program.policy import PER_BYTE
from derive.program.program import SEPARATE, Program
from derive.program.statements import Peak
from derive.program.variants import Variant

POLICY = PER_BYTE
RUN = {"T": "steps", "B": "sequences"}  # what the code calls a field of a run, and its name there


class Module(ScalarModule):
    """The generated files as the templates see them.

    own       what the names begin with that nobody else is to see
    static    what functions are declared as that nobody else is to call
    template  what has its routines
    """

    own = static = ""
    template = "c/routines.c.j2"
    is_checkpointed = False

    def __init__(self, program: Program):
        super().__init__(program, Names(program, WORDS, attributes=WORDS, routines=SEPARATE))
        calls = program.interface
        there, back = calls.hvp
        self.forward = self.routine("forward", calls.forward, calls.tape.regions)
        self.backward = self.routine("backward", calls.backward)
        self.step = self.routine("step", calls.step)
        self.jvp = self.routine("jvp", calls.jvp)
        self.there = self.routine("hvp_there", there)
        self.back = self.routine("hvp_back", back)

    def routine(
        self, kind: str, call: Call, handed: Mapping[Quantity, Region] = MappingProxyType({})
    ) -> CRoutine:
        """A routine under this file's names."""
        return CRoutine(kind, self.own + kind, self.program, call, self.names, handed)

    @property
    def routines(self) -> tuple[CRoutine, ...]:
        """All of them."""
        return (self.forward, self.backward, self.step, self.jvp, self.there, self.back)

    # names, sizes and shapes

    @property
    def prefix(self) -> str:
        """What the names of everything public begin with."""
        return self.cell.name

    @property
    def run_type(self) -> str:
        """The type of what the functions of routines run on."""
        return f"{self.prefix}_run"

    @property
    def run_fields(self) -> dict[str, str]:
        """The lengths that a run has beside the sizes, and what they are called there."""
        return RUN

    def describe(self, axis: Axis) -> str:
        """An axis for people."""
        said = {I: "inputs", H: "hidden units"}
        return said.get(axis) or self.names.argument(axis)

    def example_size(self, axis: Axis) -> int:
        """A size for an example."""
        return 3 if axis == I and not self.cell.input_is_wide else 8

    def folded(self, text: str, width: int) -> str:
        """Code for a comment, in lines of at most this width."""
        return folded(text, width)

    def counted(self, rows: str, length: str) -> str:
        """So many rows of a length."""
        return times(rows, length)

    def at(self, q: Quantity, row: str, column: str) -> str:
        """Where an entry of a quantity lies in an array of its own."""
        return place(self.width(q), row, "", column if q.axes else "")

    def literal(self, value: float) -> str:
        """A number."""
        return literal(float(value))

    def size_of(self, p: Quantity) -> str:
        """How many numbers a parameter has."""
        return " * ".join(map(self.names.size, p.axes)) or "1"

    # what is taken and given

    @property
    def tape(self) -> dict[str, Buffer]:
        """The arrays of the tape, but for those that the caller gave to forward."""
        found = self.program.interface.tape.buffers
        return {self.backward.array(b): b for b in found if b.role is Role.TAPE}

    @property
    def kept(self) -> dict[str, str]:
        """The fields of the tape, and how many numbers each has."""
        return {name: self.count(buffer) for name, buffer in self.tape.items()}

    def source(self, routine: CRoutine, buffer: Buffer) -> str:
        """The argument that is an array of a routine; empty where it is in the workspace."""
        name = routine.array(buffer)
        if routine.is_streaming and buffer.role is Role.ARGUMENT:
            (q,) = buffer.parts
            return f"state->{self.names.one(q)}" if q in self.cell.states else "NULL"
        if name in self.tape and not routine.is_streaming:
            return f"tape->{name}"
        inputs = {"xs": self.cell.inputs, "xs_dot": self.dots, "dxs": self.bars}
        inputs["dxs_dot"] = self.bar_dots
        for argument, quantities in inputs.items():
            if not self.has_one_input and buffer.parts[0] in quantities:
                q = self.cell.inputs[quantities.index(buffer.parts[0])]
                return f"{argument}->{self.names.one(q)}"
        return name if buffer.role in (Role.ARGUMENT, Role.RESULT) else ""

    def fields(self, *routines: CRoutine) -> list[Field]:
        """The arrays that the functions of routines share."""
        found: dict[str, Field] = {}
        for r in routines:
            for buffer in (*r.arrays, *r.given):
                kind = "const real *" if buffer not in r.memory.own else "real *"
                where = self.source(r, buffer), self.count(buffer), self.row_of(buffer)
                own = Field(r.array(buffer), kind, *where)
                known = found.get(own.name, own)
                if known.type == own.type or kind == "real *":
                    found[own.name] = own.or_as(known)
            for w in r.weights:
                is_gradient = w.variant in (Variant.ADJOINT, Variant.ADJOINT_TANGENT)
                kind = "real *" if is_gradient else "const real *"
                found[w.name] = Field(w.name, kind, f"{w.params} + offsets.{self.first(w)}", "")
            for one in r.packed.values():
                kind = "const real *" if r.is_streaming else "real *"
                source = behind_prepared(self.prepared(one)) if r.is_streaming else ""
                found[one.name] = Field(one.name, kind, source, panels(one.rows, one.columns))
        return list(found.values())

    def row_of(self, buffer: Buffer) -> str:
        """How many numbers a row of an array of the caller has; empty for an array of our own."""
        is_given = buffer.role in (Role.ARGUMENT, Role.RESULT)
        return width(buffer.parts, self.names.size) if is_given else ""

    @property
    def prepared_size(self) -> str:
        """How many numbers the packed matrices of a step are."""
        every = [panels(one.rows, one.columns) for one in self.step.packed.values()]
        return " + ".join(every) or "0"

    def prepared(self, one: Packed) -> str:
        """Where one of them lies."""
        every = list(self.step.packed.values())
        earlier = (panels(o.rows, o.columns) for o in every[: every.index(one)])
        return " + ".join(("prepared", *earlier))

    def first(self, weight: Weight) -> str:
        """The parameter that a stack begins with."""
        if not weight.is_stack:
            return self.names.one(next(p for p in self.cell.parameters if p.name == weight.key))
        stack = next(w for w in self.layout.weights if w.name == weight.key)
        return self.names.one(stack.parameters[0])

    @property
    def dots(self) -> tuple[Quantity, ...]:
        """The tangents of the inputs."""
        return tuple(self.program.loops.dot[q] for q in self.cell.inputs)

    @property
    def bars(self) -> tuple[Quantity, ...]:
        """Their adjoints."""
        return tuple(self.program.derivation.bar[q] for q in self.cell.inputs)

    @property
    def bar_dots(self) -> tuple[Quantity, ...]:
        """The tangents of these."""
        return tuple(self.program.loops.dot[q] for q in self.bars)

    # first values

    @property
    def glorot(self) -> list[Quantity]:
        """The parameters that are matrices, in memory's order. One with a formula is among them: it
        takes as many random numbers as NumPy's module asks for, and is computed afterwards."""
        matrices = self.about.matrices
        return [q for q in self.layout.parameters if q.name in matrices]

    def around(self, q: Quantity) -> str:
        """The rows and columns of a matrix together."""
        return " + ".join(map(self.names.size, q.axes[-2:]))

    @property
    def initial(self) -> dict[Quantity, float]:
        """The parameters that begin with a number of their own."""
        values = self.about.initial
        return {q: values[q.name] for q in self.layout.parameters if q.name in values}

    # functions of its own

    @property
    def functions(self) -> list[str]:
        """The functions that the language has not, and this file needs, after what they rest on."""
        needed = helpers(self.formulas(self.routines))
        if any(isinstance(s, Peak) for r in self.routines for s in r.call.routine.statements):
            needed.add("maximum")  # a largest entry is found by it, whatever its derivative is
        return [*(part for part, users in PARTS.items() if needed & users), *sorted(needed)]

    @property
    def has_products(self) -> bool:
        """Whether there are matrices to multiply with."""
        return any(r.packed for r in self.routines)

    @property
    def has_unpacked_products(self) -> bool:
        """Whether `step` may multiply with them where they are."""
        return bool(self.step.packed)

    @property
    def has_shares(self) -> bool:
        """Whether there are gradients of vectors or matrices, whose entries threads share."""
        return any(s.outs[0].axes for r in self.routines for s in r.totals)

    @property
    def has_outer_totals(self) -> bool:
        """Whether there are gradients of matrices."""
        return any(r.outer_totals for r in self.routines)

    def entry(self, formula: sp.Expr) -> str:
        """A parameter's entries, in `init`."""
        return CPrinter(RANKS, as_real, self.names.size)(formula)

    def said(self, text: str, words: Iterable[str]) -> list[str]:
        """Which of the words a text has in it, comments and numbers of the same name apart."""
        text = re.sub(r"/\*.*?\*/", "", text)
        there, numbers = set(re.findall(r"\w+", text)), set(re.findall(r"const real (\w+) =", text))
        return [
            w for w in words if w in there and (w not in numbers or re.search(rf"\b{w}\[", text))
        ]
