"""A recurrent cell: named equations over inputs, states and parameters, checked when it is made.

`Cell` is the value every later stage starts from. It is what a person wrote, put in order; it holds
no derivative and no schedule. `derive.language` is the pleasant way to make one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from derive import wellformed
from derive.elementwise import log, log_sigmoid, sigmoid
from derive.entries import check as check_entries
from derive.names import fresh
from derive.nodes import (
    Axis,
    CellError,
    H,
    I,
    MatVec,
    Quantity,
    as_written,
    axes_of,
    is_matrix,
    symbols_of,
)


@dataclass(frozen=True)
class Equation:
    """``lhs = rhs``. `order` lists the names of the right-hand side as they were written, for
    display."""

    lhs: Quantity
    rhs: sp.Expr
    order: tuple[str, ...] = field(default=(), compare=False)

    @property
    def stretches(self) -> bool:
        """Whether it gives one number to every entry of a vector: its two sides differ in shape
        then, and where another equation has the number, the vector does not stand for it."""
        return axes_of(self.rhs) != self.lhs.axes

    def __str__(self) -> str:
        return f"{self.lhs} = {as_written(self.rhs)}"


def settled(known: Iterable[Quantity], equations: Iterable[Equation]) -> set[Quantity]:
    """What is known, and what the equations, in their order, make of nothing else."""
    found = set(known)
    for e in equations:
        if symbols_of(e.rhs) <= found:
            found.add(e.lhs)
    return found


@dataclass(frozen=True)
class Setting:
    """An option or a constant of a cell, with its value.

    name     its name in the cell's file
    value    the value it has
    default  the value it has unless a person sets another
    choices  the values it may have; empty for a number, which may be any
    """

    name: str
    value: str
    default: str
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True)
class Cell:
    """A recurrent cell, one step of it.

    name        the generated module's name
    title       the name for people
    doc         what the author says of it: paper, remarks
    inputs      what one step is given: x, of shape (I,), and what else it reads, in their order
    states      what one step hands to the next, in the order they were declared
    parameters  weights and biases, in the order they first appear
    equations   in the order of evaluation
    updates     for each state, the quantity that is its new value
    output      the quantity that is the cell's output at every step
    initial     initial values of parameters that do not start as the default rule says
    entries     of parameters whose entries are a formula of their place; see `derive.entries`
    untrained   parameters that stay as they are: every derivative takes them for constants
    starts      values of states before the first step, where they are not zero
    options     what a person may set, with the values that these equations have
    family      the family `derive list` shows it in
    number      the number of the step, 1 in the first, where the equations read it
    """

    name: str
    title: str
    doc: str
    inputs: tuple[Quantity, ...]
    states: tuple[Quantity, ...]
    parameters: tuple[Quantity, ...]
    equations: tuple[Equation, ...]
    updates: Mapping[Quantity, Quantity]
    output: Quantity
    initial: Mapping[str, float] = field(default_factory=dict)
    starts: Mapping[str, float] = field(default_factory=dict)
    entries: Mapping[str, sp.Expr] = field(default_factory=dict)
    untrained: frozenset[str] = frozenset()
    options: tuple[Setting, ...] = ()
    family: str = ""
    number: Quantity | None = None

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        """A class statement that names a cell as its base: Python asks for classes in its place."""
        raise CellError(
            f"a cell is no base: write the equations of {self.title} out and change them, or give "
            f"it an Option"
        )

    def __post_init__(self) -> None:
        self._check()
        ordered = in_order(self.equations)
        leaving = {*self.updates.values(), self.output}
        wellformed.check_used(self.quantities, leaving, {e.lhs: e.rhs for e in ordered})
        accurate = in_accurate_words(ordered, {q.name for q in self.quantities}, leaving)
        object.__setattr__(self, "equations", accurate)

    def _check(self) -> None:
        """CellError, with the first thing that is wrong with the cell."""
        wellformed.check_module_name(self.name)
        wellformed.check_inputs(self.inputs, self.number)
        wellformed.check_names(self.quantities)
        wellformed.check_axes(self.axes)
        formulas = {e.lhs: e.rhs for e in self.equations}
        for lhs, rhs in formulas.items():
            wellformed.check_words(lhs, rhs)
        wellformed.check_symbols(formulas, self.quantities, self.axes)
        wellformed.check_shapes(formulas)
        wellformed.check_states(self.states, self.updates, formulas)
        self._check_role()
        wellformed.check_output(self.output, formulas)
        values = (*self.initial.items(), *self.starts.items())
        wellformed.check_values(values, (*self.parameters, *self.states))
        for name, formula in self.entries.items():
            check_entries(name, formula)
        wellformed.check_known((*self.entries, *self.untrained), self.parameters)

    def _check_role(self) -> None:
        wellformed.check_recurs(self.states, self.output)

    @property
    def input(self) -> Quantity:
        """The first of the inputs, which is the only one of most cells."""
        return self.inputs[0]

    @property
    def given(self) -> tuple[Quantity, ...]:
        """What a step has beside states and parameters: the inputs, and its number."""
        return self.inputs if self.number is None else (*self.inputs, self.number)

    @property
    def input_is_wide(self) -> bool:
        """Whether the cell adds its input to its state, and so takes as many inputs as units."""
        return self.input.axes == (H,) and all(q.axes != (I,) for q in self.inputs)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis that occurs: I and H, then in the order of inputs, states and parameters."""
        quantities = (*self.inputs, *self.states, *self.parameters)
        found = dict.fromkeys(axis for q in quantities for axis in q.axes)
        occurring = dict.fromkeys((*([H] if H in found else []), *found))
        first = (I,) if I in occurring or self.input_is_wide else ()
        return tuple(dict.fromkeys((*first, *occurring)))

    @property
    def trained(self) -> tuple[Quantity, ...]:
        """The parameters that a derivative is taken by."""
        return tuple(p for p in self.parameters if p.name not in self.untrained)

    @property
    def constants(self) -> frozenset[Quantity]:
        """The parameters that are not trained."""
        return frozenset(self.parameters) - frozenset(self.trained)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Everything that has a name: what is given, states, parameters, then the equations'
        left-hand sides."""
        return (*self.given, *self.states, *self.parameters, *(e.lhs for e in self.equations))

    @cached_property
    def matrices(self) -> tuple[Quantity, ...]:
        """The parameters that are matrices."""
        products = [p for e in self.equations for p in e.rhs.atoms(MatVec)]
        used = {q for product in products for q in symbols_of(product.args[0])}
        return tuple(p for p in self.parameters if is_matrix(p) or p in used)

    @cached_property
    def gates(self) -> tuple[Quantity, ...]:
        """The values of a sigmoid, between 0 and 1, that multiply something."""
        products = [p for e in self.equations for p in e.rhs.atoms(sp.Mul)]
        factors = {term for p in products for f in p.args for term in sp.Add.make_args(f)}
        sigmoids = [e.lhs for e in self.equations if isinstance(e.rhs, sigmoid)]
        return tuple(q for q in sigmoids if {q, -q} & factors)


class Map(Cell):
    """Equations of one step that hand nothing on: what a network has beside its cells, such as its
    output and its loss. They are derived and generated as a cell's are."""

    def _check_role(self) -> None:
        wellformed.check_map(self.states, self.output)


def in_accurate_words(
    equations: Iterable[Equation], taken: set[str], leaving: set[Quantity]
) -> tuple[Equation, ...]:
    """The equations with log(f), where f is a sigmoid by another equation, as the `log_sigmoid` of
    what that is the sigmoid of, for which there may have to be a name. If nothing else reads f,
    and it is not `leaving` the step, it is not computed."""
    equations = tuple(equations)
    logs = {part.args[0]: part for e in equations for part in e.rhs.atoms(log)}
    meaning: dict[sp.Expr, sp.Expr] = {}
    result: list[Equation] = []
    for e in equations:
        if e.lhs in logs and isinstance(e.rhs, sigmoid) and not e.stretches:
            (inside,) = e.rhs.args
            if not isinstance(inside, Quantity):
                named = Quantity(fresh(f"a_{e.lhs}", taken), e.lhs.axes)
                result.append(Equation(named, inside, e.order))
                e, inside = replace(e, rhs=sigmoid(named)), named
            meaning[logs[e.lhs]] = log_sigmoid(inside)
        result.append(e)
    result = [replace(e, rhs=e.rhs.xreplace(meaning)) for e in result]
    read = {q for e in result for q in symbols_of(e.rhs)}
    gone = {part.args[0] for part in meaning} - leaving - read
    return tuple(e for e in result if e.lhs not in gone)


def in_order(equations: Iterable[Equation]) -> tuple[Equation, ...]:
    """The equations in an order in which they can be evaluated, the given order wherever that will
    do."""
    waiting = list(equations)
    undefined = {e.lhs for e in waiting}
    ordered: list[Equation] = []
    while waiting:
        ready = next((e for e in waiting if not undefined & symbols_of(e.rhs)), None)
        if ready is None:
            names = ", ".join(f"`{e.lhs}`" for e in _cycle(waiting))
            raise CellError(f"circular definition: {names} need each other within one step")
        waiting.remove(ready)
        undefined.discard(ready.lhs)
        ordered.append(ready)
    return tuple(ordered)


def _cycle(equations: list[Equation]) -> list[Equation]:
    """One cycle among equations of which none can be evaluated first."""
    by_name = {e.lhs: e for e in equations}
    path = [equations[0]]
    while True:
        needed = sorted(symbols_of(path[-1].rhs) & by_name.keys(), key=str)[0]
        step = by_name[needed]
        if step in path:
            return path[path.index(step) :]
        path.append(step)
