"""Every name in a generated file is given out here, once.

The name that a person gave a quantity is its name in the code, unless the target's language, or the
generated file itself, has it already: then underscores behind it make it another, ``np_`` for a
quantity called np. Names that are made from others, ``c_s`` for all steps of c, give way to those
that a person gave.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from derive.names import fresh
from derive.nodes import Axis, Quantity
from derive.program.buffers import Buffer, Role, Span
from derive.program.loop import Loop
from derive.program.program import Program
from derive.program.routine import Routine
from derive.program.variants import Variant


class Names:
    """The names of a generated file: of its quantities, sizes, arrays and parameters.

    words       names that functions may not use: the language's own, and what templates say
    attributes  names that the sizes may not have, where parameters are an object with others
    streamed    what the argument is called that has the inputs of one step
    routines    the routines that the file has: all, if none are named
    loops       the loops that it has, where it has no routines

    A routine that needs further ones, for scratch arrays, asks `child` for a copy that knows all of
    these.
    """

    def __init__(
        self,
        program: Program,
        words: Collection[str],
        attributes: Collection[str] = (),
        streamed: str = "x",
        routines: Collection[str] = (),
        loops: Collection[Loop] = (),
    ):
        self.taken = set(words)
        self.given: dict[object, str] = {}
        self.own: dict[object, str] = {}
        cell = program.cell
        for q in cell.inputs:
            if q.name == streamed:  # it has the name of the argument already
                self.given[q] = streamed
        some = [] if loops else [program.routines[name] for name in routines or program.routines]
        quantities = _quantities(program, loops or [routine.loop for routine in some])
        for q in quantities:
            if q not in self.given:
                self.given[q] = self.free(q.name)
        for axis in cell.axes:
            self.given[axis] = self.free(axis.letter)
        self._give_out(program, some, quantities)
        taken = set(attributes)
        for axis in cell.axes:
            self.given[axis, "argument"] = fresh(axis.argument, taken)

    def _give_out(
        self, program: Program, routines: Iterable[Routine], quantities: Iterable[Quantity]
    ) -> None:
        """Give out everything that is made of a person's names before any routine asks for names of
        its own, so that what one routine makes up is never another's quantity."""
        for q in quantities:
            self.all(q)
        for routine in routines:
            for stack in routine.storage.stacks:
                self._stack_of_all(stack.name)
        for weights in program.layout.weights:
            for variant in Variant:
                self.weights(variant, weights.name)

    def child(self) -> Names:
        """A copy, for the names of one routine."""
        copy = object.__new__(Names)
        copy.taken, copy.given, copy.own = self.taken, self.given, {}
        return copy

    def free(self, name: str) -> str:
        """`name`, or the like of it that nothing else has; it is taken from then on."""
        name = fresh(name, self.taken | set(self.own.values()))
        self.taken.add(name)
        return name

    def _of(self, key: object, name: str) -> str:
        if key not in self.given:
            self.given[key] = self.free(name)
        return self.given[key]

    def scratch(self, key: object, name: str) -> str:
        """A name of one routine's own, the same for the same key. Others may use it, too."""
        if key not in self.own:
            self.own[key] = fresh(name, self.taken | set(self.own.values()))
        return self.own[key]

    # the names

    def one(self, q: Quantity) -> str:
        """A quantity, or one step of it."""
        return self.given[q]

    def all(self, q: Quantity) -> str:
        """All steps of a quantity."""
        return self._of((q, "all"), f"{q.name}_s")

    def buffer(self, buffer: Buffer) -> str:
        """An array, or one step of it, under its own name."""
        if buffer.role in (Role.ARGUMENT, Role.RESULT) and buffer.span is not Span.STEP:
            return buffer.name or self.all(buffer.parts[0])
        is_one = buffer.span in (Span.STEP, Span.ONCE)
        if len(buffer.parts) == 1:
            (q,) = buffer.parts
            return self.one(q) if is_one else self.all(q)
        return self._stack(buffer.name) if is_one else self._stack_of_all(buffer.name)

    def step_of(self, buffer: Buffer) -> str:
        """One step of a stack that is kept for all of them."""
        return self._stack(buffer.name)

    def _stack(self, name: str) -> str:
        """A stack, or one step of it."""
        return self._of(("stack", name), name)

    def _stack_of_all(self, name: str) -> str:
        """All steps of a stack."""
        return self._of((self._stack(name), "all"), f"{name}_s")

    def weights(self, variant: Variant, stack: str) -> str:
        """A stack of parameters, or of gradients or directions."""
        return self._of(("weights", variant, stack), variant.of(stack))

    def size(self, axis: Axis) -> str:
        """The length of an axis."""
        return self.given[axis]

    def argument(self, axis: Axis) -> str:
        """The argument of `Params` that is the length of an axis."""
        return self.given[axis, "argument"]


def _quantities(program: Program, every: Iterable[Loop]) -> Iterable[Quantity]:
    """Everything that has a name in any loop, a person's own first."""
    every = tuple(every)
    made = [e.lhs for loop in every for e in loop.equations]
    carried = [q for loop in every for c in loop.carries for q in (c.entering, c.leaving)]
    parameters = program.parameters.of
    derived = program.derivation
    own = (*program.cell.quantities, *(e.lhs for e in derived.forward))
    return dict.fromkeys(
        (*own, *parameters, *carried, derived.seed, *made, *program.loops.dot.values())
    )
