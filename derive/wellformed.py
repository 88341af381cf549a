"""The rules of a well-formed cell: names that can be written, known words, shapes that fit.

Each check is a function of some parts of a cell that raises CellError, one sentence that names the
equation; `derive.cell.Cell` calls them all when it is made.
"""

from __future__ import annotations

import keyword
import math
import numbers
import re
from collections.abc import Collection, Iterable, Mapping

import sympy as sp

from derive.deviation import Deviation
from derive.elementwise import FUNCTIONS
from derive.largest import Largest
from derive.nodes import (
    Axis,
    CellError,
    FeatureSum,
    MatVec,
    Outer,
    Quantity,
    Size,
    Transposed,
    axes_of,
    describe,
    heads,
    own,
    shape,
    symbols_of,
)

Formulas = Mapping[Quantity, sp.Expr]  # the equations: what each left-hand side is

# What a formula may be made of, beside numbers, sums, products and powers. A class that is not
# listed is for display only, as those of `derive.display.derivation` are, or somebody's own.
WORDS = frozenset({*FUNCTIONS, MatVec, Outer, Transposed, FeatureSum, Deviation, Largest, Size})
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_module_name(name: str) -> None:
    """The cell's name becomes the generated module's."""
    if not IDENTIFIER.fullmatch(name) or keyword.iskeyword(name):
        raise CellError(
            f"the cell's name {name!r} cannot name a module: use letters, digits and _, "
            "and begin with a letter"
        )


def check_names(quantities: Iterable[Quantity]) -> None:
    """Each quantity has a name of its own."""
    seen: set[str] = set()
    for quantity in quantities:
        check_name(quantity.name)
        if quantity.name in seen:
            raise CellError(
                f"`{quantity.name}` is defined twice; give each quantity a name of its own"
            )
        seen.add(quantity.name)


def check_axes(axes: Collection[Axis]) -> None:
    """The letters and argument names of axes are valid names, all different."""
    for axis in axes:
        check_name(axis.letter)
        check_name(axis.argument)
        others = [other for other in axes if other != axis]
        if any(axis.letter == o.letter or axis.argument == o.argument for o in others):
            raise CellError(
                f"two axes share the letter {axis.letter} or the argument name {axis.argument}"
            )


def check_name(name: str) -> None:
    """CellError where `name` is not a valid name in a cell's file.

    Words that a target language reserves are valid: its backend changes such a name, visibly.
    """
    if not IDENTIFIER.fullmatch(name):
        raise CellError(
            f"{name!r} is not a name: use letters, digits and _, and begin with a letter"
        )
    if keyword.iskeyword(name):
        raise CellError(f"`{name}` is a Python keyword and cannot name a quantity")


def check_words(name: object, rhs: sp.Expr) -> None:
    """The right-hand side of the equation `name` is made of the language's own words and of finite
    real numbers."""
    for part in sp.preorder_traversal(rhs):
        if not _is_word(part):
            raise CellError(f"equation `{name}`: {_fault(part)}")


def _fault(part: sp.Basic) -> str:
    """The error message for an expression that is not part of the language."""
    shown = " ".join(describe(part).split())
    if isinstance(part, sp.Pow):
        return f"`{shown}`: an exponent must be a number"
    if part.is_number:
        return "a number in it is infinite, imaginary, or divided by zero"
    return f"`{shown}` is not part of the language; derive.language lists what is"


def _is_word(part: sp.Basic) -> bool:
    if isinstance(part, sp.Pow):
        return bool(part.exp.is_Rational or part.exp.is_Float)
    if isinstance(part, sp.Number | sp.NumberSymbol):
        return bool(part.is_finite and part.is_real) and abs(part) < sp.Integer(10) ** 300
    return type(part) in WORDS or isinstance(part, Quantity | sp.Add | sp.Mul)


def check_symbols(
    formulas: Formulas, quantities: Iterable[Quantity], axes: Collection[Axis]
) -> None:
    """Equations read the cell's own quantities and sizes."""
    known = set(quantities)
    for lhs, rhs in formulas.items():
        for length in rhs.atoms(Size):
            if length.axis not in axes:
                raise CellError(f"equation `{lhs}`: the cell has no axis {length.axis}")
        for symbol in sorted(symbols_of(rhs) - known, key=str):
            raise CellError(f"equation `{lhs}`: `{symbol}` is not defined")


def check_shapes(formulas: Formulas) -> None:
    """Both sides of an equation have one shape, that of a vector or a scalar."""
    for lhs, rhs in formulas.items():
        try:
            axes = axes_of(rhs)
        except CellError as error:
            raise CellError(f"equation `{lhs}`: {error}") from None
        check_axes_of(lhs)
        for part in sp.preorder_traversal(sp.Tuple(rhs)):
            if any(isinstance(a, Transposed) for a in part.args) and not isinstance(part, MatVec):
                raise CellError(
                    f"equation `{lhs}`: a transposed matrix stands on the left side of @ only, as "
                    f"in S.T @ q or (U - U.T) @ h"
                )
        if axes != lhs.axes and axes:
            raise CellError(
                f"equation `{lhs}` gives {shape(axes)}, but {shape(lhs.axes)} is needed"
                + _scaled(formulas)
            )


def _scaled(formulas: Formulas) -> str:
    """The first place where a matrix is scaled by a vector, which a product may have been meant to
    be."""
    for lhs, rhs in formulas.items():
        for product in sorted(rhs.atoms(sp.Mul), key=str):
            lengths = [len(own(axes_of(factor))) for factor in product.args]
            if {1, 2} <= set(lengths):
                return (
                    f"; {describe(product)} in equation `{lhs}` scales a matrix: a matrix times a "
                    f"vector is W @ x"
                )
    return ""


def check_axes_of(quantity: Quantity) -> None:
    """A quantity is a number, a vector or a matrix, or one of these for each head: that axis is the
    first."""
    axes = quantity.axes
    if len(own(axes)) > 2:
        raise CellError(f"`{quantity}` has shape {shape(axes)}: a matrix has two axes")
    if heads(axes) != axes[: len(heads(axes))]:
        raise CellError(f"`{quantity}` has shape {shape(axes)}: the axis of heads is the first")


def check_inputs(inputs: Collection[Quantity], number: Quantity | None) -> None:
    """There are inputs, vectors or numbers; the number of the step is a number."""
    if not inputs:
        raise CellError("the cell has no input: declare one with Input()")
    for q in inputs:
        if len(q.axes) > 1:
            raise CellError(
                f"input `{q}` has shape {shape(q.axes)}, and must be a vector or a number"
            )
    if number is not None and number.axes:
        raise CellError(f"the number of the step, `{number}`, has shape {shape(number.axes)}")


def check_states(
    states: Collection[Quantity], updates: Mapping[Quantity, Quantity], formulas: Formulas
) -> None:
    """Each state has a new value of its shape, which an equation defines."""
    for state in states:
        if state not in updates:
            raise CellError(f"state `{state}` is never updated: add an equation `{state}_next = …`")
    for state in states:
        check_axes_of(state)
    for state, new in updates.items():
        if new.axes != state.axes:
            raise CellError(
                f"equation `{new}` gives {shape(new.axes)}, but state `{state}` has shape "
                f"{shape(state.axes)}"
            )
        if state not in states or new not in formulas:
            raise CellError(f"state `{state}` is updated by `{new}`, which no equation defines")


def check_recurs(states: Collection[Quantity], output: Quantity) -> None:
    """Something is handed from step to step, and what comes out is a vector, or one for each
    head."""
    if not states:
        raise CellError("the cell has no state, so nothing recurs: declare one with State()")
    if len(own(output.axes)) != 1:
        raise CellError(
            f"the output `{output}` must be a vector, or one for each head, and has shape "
            f"{shape(output.axes)}; mark an equation that gives one: y = Output(…)"
        )


def check_map(states: Iterable[Quantity], output: Quantity) -> None:
    """Nothing is handed from step to step, and what comes out is a vector or a number."""
    for state in states:
        raise CellError(f"a map has no state, and `{state}` is one: write a Cell")
    if len(output.axes) > 1:
        raise CellError(
            f"the output `{output}` of a map must be a vector or a number, and has shape "
            f"{shape(output.axes)}"
        )


def check_output(output: Quantity, formulas: Formulas) -> None:
    """An equation defines the output."""
    if output not in formulas:
        raise CellError(f"the output `{output}` is not the left-hand side of an equation")


def check_values(values: Iterable[tuple[str, float]], quantities: Iterable[Quantity]) -> None:
    """Initial values are finite numbers, each of a parameter or a state."""
    names = {q.name for q in quantities}
    for name, value in values:
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if name not in names or not number or not math.isfinite(value):
            raise CellError(
                f"the initial value of `{name}` is {value!r}: a finite number is needed"
            )


def check_known(names: Iterable[str], parameters: Iterable[Quantity]) -> None:
    """Names are those of parameters."""
    for name in sorted(set(names) - {p.name for p in parameters}):
        raise CellError(f"no parameter is called `{name}`")


def check_used(
    quantities: Iterable[Quantity], leaving: Collection[Quantity], formulas: Formulas
) -> None:
    """Every quantity is read by an equation, or is a new state or the output."""
    used = {q for rhs in formulas.values() for q in symbols_of(rhs)}
    for quantity in quantities:
        if quantity not in used and quantity not in leaving:
            if f"{quantity}_next" in {lhs.name for lhs in formulas}:
                raise CellError(
                    f"the old value of the state `{quantity}` is never read, so it is no state: "
                    f"remove it, and call what `{quantity}_next` is by another name"
                )
            state, is_next, _ = quantity.name.rpartition("_next")
            hint = f"; if it updates a state, declare that: {state} = State()" if is_next else ""
            raise CellError(
                f"`{quantity}` is never used; remove it, or use it in an equation{hint}"
            )
