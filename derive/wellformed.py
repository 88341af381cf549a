"""What a cell must be: names that every target can bear, words of the language, shapes that fit.

Each check is a function of the cell that raises CellError, one sentence that names the equation.
"""

from __future__ import annotations

import keyword
import math
import numbers
import re
from typing import TYPE_CHECKING

import sympy as sp

from derive.elementwise import Elementwise
from derive.nodes import CellError, H, I, Node, Quantity, Size, axes_of, describe, shape, symbols_of

if TYPE_CHECKING:
    from derive.cell import Cell

# What a generated module uses for itself: a quantity may not take one of these names.
RESERVED = frozenset(
    # modules, classes and functions
    "np math accumulate Mapping NamedTuple Params State Tape init forward backward step jvp hvp "
    # sizes, arguments and local names
    "T B I H params state tape xs ys dys dxs dparams dstate lengths dtype rng flat past half "
    "steps ended params_dot state_dot xs_dot ys_dot dys_dot dxs_dot dparams_dot dstate_dot "
    # Python's own functions that generated code calls
    "zip range reversed len sum map list dict tuple isinstance getattr repr property super self "
    "str int type any sorted enumerate all bool iter".split()
)
# What a formula may be made of, beside numbers, sums, products and powers.
WORDS = {Size, *Elementwise.__subclasses__(), *Node.__subclasses__()}
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check(cell: Cell) -> None:
    """CellError, with the first thing that is wrong with a cell."""
    _check_names(cell)
    _check_axes(cell)
    for equation in cell.equations:
        check_words(equation.lhs, equation.rhs)
    _check_symbols(cell)
    _check_shapes(cell)
    _check_ends(cell)


def _check_names(cell: Cell) -> None:
    if not IDENTIFIER.fullmatch(cell.name) or keyword.iskeyword(cell.name):
        raise CellError(
            f"the cell's name {cell.name!r} cannot name a module: use letters, digits and _, "
            "and begin with a letter"
        )
    seen: set[str] = set()
    for quantity in cell.quantities:
        check_name(quantity.name)
        if quantity.name in seen:
            raise CellError(
                f"`{quantity.name}` is defined twice; give each quantity a name of its own"
            )
        seen.add(quantity.name)
    for moving in (*cell.states, *(e.lhs for e in cell.equations)):
        if f"{moving}_s" in seen:
            raise CellError(
                f"`{moving}_s` is what generated code calls all steps of `{moving}`; choose "
                f"another name"
            )


def _check_axes(cell: Cell) -> None:
    """Letters and arguments of axes become names in generated code, too."""
    for axis in cell.axes:
        if axis in (I, H):
            continue
        check_name(axis.letter)
        check_name(axis.argument)
        others = [other for other in cell.axes if other != axis]
        names = {q.name for q in cell.quantities}
        if any(axis.letter == o.letter or axis.argument == o.argument for o in others):
            raise CellError(f"two axes are called {axis.letter} or {axis.argument}")
        if axis.letter in names or axis.argument in names:
            raise CellError(f"axis {axis.letter} ({axis.argument}) has the name of a quantity")


def check_name(name: str) -> None:
    """CellError where `name` cannot stand in generated code in any target language."""
    if not IDENTIFIER.fullmatch(name):
        raise CellError(
            f"{name!r} is not a name: use letters, digits and _, and begin with a letter"
        )
    if keyword.iskeyword(name):
        raise CellError(f"`{name}` is a Python keyword and cannot name a quantity")
    if name in RESERVED:
        raise CellError(f"`{name}` is a name that generated code needs for itself; choose another")


def check_words(name: object, rhs: sp.Expr) -> None:
    """The right-hand side of the equation `name` is made of the language's own words and of finite
    real numbers."""
    for part in sp.preorder_traversal(rhs):
        if not _is_word(part):
            raise CellError(f"equation `{name}`: {_fault(part)}")


def _fault(part: sp.Basic) -> str:
    """What is wrong with something that is no word of the language."""
    shown = " ".join(describe(part).split())
    if isinstance(part, sp.Pow):
        return f"`{shown}`: an exponent must be a number"
    if part.is_number:
        return "a number in it is infinite, imaginary, or divided by zero"
    return f"`{shown}` is no word of the language; see derive.language for those it has"


def _is_word(part: sp.Basic) -> bool:
    if isinstance(part, sp.Pow):
        return bool(part.exp.is_Rational or part.exp.is_Float)
    if isinstance(part, sp.Number | sp.NumberSymbol):
        return bool(part.is_finite and part.is_real) and abs(part) < sp.Integer(10) ** 300
    return type(part) in WORDS or isinstance(part, Quantity | sp.Add | sp.Mul)


def _check_symbols(cell: Cell) -> None:
    known = set(cell.quantities)
    for equation in cell.equations:
        reads = symbols_of(equation.rhs)
        for length in equation.rhs.atoms(Size):
            if length.axis not in cell.axes:
                raise CellError(f"equation `{equation.lhs}`: the cell has no axis {length.axis}")
        for symbol in sorted(reads - known, key=str):
            raise CellError(f"equation `{equation.lhs}`: `{symbol}` is not defined")
    for state in cell.states:
        if state not in cell.updates:
            raise CellError(f"state `{state}` is never updated: add an equation `{state}_next = …`")
    if not cell.states:
        raise CellError(
            f"cell `{cell.name}` has no state, so nothing recurs: declare one with State()"
        )


def check_used(cell: Cell) -> None:
    """Nothing is declared or defined in vain."""
    used = {q for e in cell.equations for q in symbols_of(e.rhs)}
    leaving = {*cell.updates.values(), cell.output}
    for quantity in cell.quantities:
        if quantity not in used | leaving:
            raise CellError(f"`{quantity}` is never used; remove it, or use it in an equation")


def _check_ends(cell: Cell) -> None:
    """New states and the output are equations; initial values are finite numbers."""
    defined = {e.lhs for e in cell.equations}
    for state, new in cell.updates.items():
        if state not in cell.states or new not in defined:
            raise CellError(f"state `{state}` is updated by `{new}`, and there is no such equation")
    if cell.output not in defined:
        raise CellError(f"the output `{cell.output}` is not the left-hand side of an equation")
    names = {q.name for q in (*cell.parameters, *cell.states)}
    for name, value in (*cell.initial.items(), *cell.starts.items()):
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if name not in names or not number or not math.isfinite(value):
            raise CellError(
                f"the initial value of `{name}` is {value!r}: a finite number is needed"
            )


def _check_shapes(cell: Cell) -> None:
    for equation in cell.equations:
        try:
            axes = axes_of(equation.rhs)
        except CellError as error:
            raise CellError(f"equation `{equation.lhs}`: {error}") from None
        if len(axes) > 1:
            raise CellError(
                f"equation `{equation.lhs}`: {describe(equation.rhs)} is a matrix; an equation "
                f"defines a vector"
            )
        if axes != equation.lhs.axes and axes:
            raise CellError(
                f"equation `{equation.lhs}` gives {shape(axes)}, but {shape(equation.lhs.axes)} is "
                f"needed"
            )
    for state, new in cell.updates.items():
        if new.axes != state.axes:
            raise CellError(
                f"equation `{new}` gives {shape(new.axes)}, but state `{state}` has shape "
                f"{shape(state.axes)}"
            )
    if len(cell.output.axes) != 1:
        raise CellError(
            f"the output `{cell.output}` must be a vector, and has shape {shape(cell.output.axes)}"
        )
