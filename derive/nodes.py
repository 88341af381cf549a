"""What equations are made of, beside elementwise functions: quantities, and the few nodes that are
not elementwise.

A SymPy symbol stands for a whole vector. That is exact for everything elementwise, because vectors
of one length form a commutative ring under elementwise addition and multiplication: ``f*c`` *is*
the elementwise product, and SymPy's ``diff`` is its derivative. What is not elementwise is a node
of its own here, with its shape rule, its adjoint and its tangent side by side.

A new node is one class with three rules (see `Node`), as a new function is one with two
(`derive.elementwise`). Nothing else in the package has to know of it, apart from the printers of
the targets it should be printed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from sympy.printing.str import StrPrinter


class CellError(ValueError):
    """A cell's equations are wrong; the message says which equation, what is wrong, and what was
    expected."""


@dataclass(frozen=True)
class Axis:
    """A direction along which a vector extends: its letter in shapes and its argument name in
    generated code."""

    letter: str
    argument: str

    def __str__(self) -> str:
        return self.letter

    def _sympy_(self) -> Size:
        return Size(self)

    __repr__ = __str__

    @property
    def identity(self) -> str:
        """What tells it from others: two axes may share a letter in two cells."""
        return f"{self.letter} {self.argument}"


I = Axis("I", "input_size")
H = Axis("H", "hidden_size")

Axes = tuple[Axis, ...]


class Quantity(sp.Symbol):
    """A named scalar ``()``, vector ``(H,)`` or matrix ``(H, I)``; two of one name and shape are
    the same."""

    axes: Axes
    identity: tuple[str, ...]

    def __new__(cls, name: str, axes: Axes = ()) -> Quantity:
        quantity = sp.Symbol.__xnew__(cls, name, real=True)
        quantity.axes = tuple(axes)
        quantity.identity = (name, *(axis.identity for axis in quantity.axes))
        return quantity

    def __getnewargs_ex__(self):
        return (self.name, self.axes), {}

    def __setattr__(self, name: str, value: object) -> None:
        if name not in ("name", "axes", "identity") and not name.startswith("_"):
            raise CellError(f"`{self.name}.{name} = …`: a quantity has nothing to assign to")
        super().__setattr__(name, value)

    def _hashable_content(self):
        return self.identity

    # All stages compare and name quantities, and SymPy's own ways are long.

    def __eq__(self, other):
        return self is other or (type(self) is type(other) and self.identity == other.identity)

    __hash__ = sp.Symbol.__hash__

    def __str__(self):
        return self.name

    def __matmul__(self, vector: sp.Expr) -> sp.Expr:
        """The matrix-vector product ``W @ x``."""
        return product(self, vector)

    @property
    def T(self) -> Transposed:
        """The transpose of a matrix, for ``W.T @ h``."""
        if len(self.axes) != 2:
            raise CellError(
                f"only a matrix has a transpose, and {self} has shape {shape(self.axes)}"
            )
        return Transposed(self)


class Size(sp.Symbol):
    """The length of an axis, as a number in an equation (the H in a mean over H features)."""

    axis: Axis

    def __new__(cls, axis: Axis) -> Size:
        size = sp.Symbol.__xnew__(cls, axis.letter, positive=True, integer=True)
        size.axis = axis
        return size

    def __getnewargs_ex__(self):
        return (self.axis,), {}

    def _hashable_content(self):
        return (*super()._hashable_content(), self.axis.argument)


# --- nodes that are not elementwise --------------------------------------------------------------

Contribution = tuple[sp.Expr, sp.Expr]


class Node(sp.Function):
    """Something not elementwise, linear in each of its arguments.

    Linearity gives every node its tangent, the sum over its arguments with one replaced by its
    tangent. Shape rule and adjoint are each node's own.
    """

    def axes(self) -> Axes:
        """The node's own shape; raises CellError where the arguments do not fit together."""
        raise NotImplementedError

    def adjoint(self, bar: sp.Expr) -> Iterator[Contribution]:
        """For the node's adjoint `bar`, what each argument receives: pairs (argument,
        contribution)."""
        raise NotImplementedError

    def tangent(self, dot) -> sp.Expr:
        """The directional derivative, where `dot` maps an argument to its tangent (0 for a
        constant)."""
        terms = []
        for k, argument in enumerate(self.args):
            direction = dot(argument)
            if direction != 0:
                terms.append(self.func(*self.args[:k], direction, *self.args[k + 1 :]))
        return sp.Add(*terms)


class MatVec(Node):
    """The matrix-vector product W x; for a batch of row vectors, X Wᵀ."""

    nargs = 2

    def axes(self) -> Axes:
        matrix, vector = self.args
        rows_columns, length = axes_of(matrix), axes_of(vector)
        if len(rows_columns) != 2:
            raise CellError(
                f"the left side of @ must be a matrix, and {as_written(matrix)} has shape "
                f"{shape(rows_columns)}"
            )
        if length != rows_columns[1:]:
            raise CellError(
                f"{as_written(matrix)} @ {describe(vector)} does not fit: {as_written(matrix)} has "
                f"shape {shape(rows_columns)}, so it needs a vector of shape "
                f"{shape(rows_columns[1:])}, not {shape(length)}"
            )
        return rows_columns[:1]

    def adjoint(self, bar):
        matrix, vector = self.args
        if isinstance(matrix, Transposed):  # W.T @ u
            (matrix,) = matrix.args
            yield vector, MatVec(matrix, bar)
            yield matrix, Outer(vector, bar)
        else:
            yield vector, MatVec(Transposed(matrix), bar)
            yield matrix, Outer(bar, vector)


def formula(value: object) -> sp.Expr:
    """A value as part of a formula; CellError for what can be none. No text is read as one."""
    try:
        found = sp.sympify(value, strict=True)
    except sp.SympifyError:
        found = None
    if isinstance(found, sp.Expr | sp.logic.boolalg.Boolean):
        return found
    if isinstance(value, list | tuple | set):
        raise CellError(
            f"a {type(value).__name__} is no formula: a function takes a vector, and several are "
            f"added with +"
        )
    raise CellError(f"{value!r:.40} is no formula: a formula is made of quantities and numbers")


def product(matrix: sp.Expr, vector: sp.Expr) -> sp.Expr:
    """``matrix @ vector``, as a person writes it."""
    try:
        return MatVec(matrix, sp.sympify(vector, strict=True))
    except sp.SympifyError:
        raise CellError(
            f"the right side of {as_written(matrix)} @ … must be a vector, and a "
            f"{type(vector).__name__} is none; instead of joining vectors, add products: "
            f"W.x @ x + W.h @ h"
        ) from None


class Transposed(Node):
    """The transpose of a matrix."""

    nargs = 1

    def __matmul__(self, vector: sp.Expr) -> sp.Expr:
        return product(self, vector)

    def axes(self) -> Axes:
        return axes_of(self.args[0])[::-1]

    def adjoint(self, bar):
        yield self.args[0], Transposed(bar)


class Outer(Node):
    """The outer product u vᵀ, a matrix."""

    nargs = 2

    def axes(self) -> Axes:
        return axes_of(self.args[0]) + axes_of(self.args[1])

    def adjoint(self, bar):
        left, right = self.args
        yield left, MatVec(bar, right)
        yield right, MatVec(Transposed(bar), left)


class FeatureSum(Node):
    """The sum over the features of a vector, one number for each sequence.

    The vector may be a formula of named quantities; each receives its own share.
    """

    nargs = 1

    def axes(self) -> Axes:
        if len(axes_of(self.args[0])) != 1:
            raise CellError(f"a sum is taken over a vector, and {describe(self.args[0])} is none")
        return ()

    def adjoint(self, bar):
        for part, slope in self.slopes():  # every feature receives the same
            is_number = axes_of(part) == axes_of(slope) == ()
            yield part, bar * (self.total(slope) if is_number else slope)

    def tangent(self, dot):
        return self.total(sp.Add(*(slope * dot(part) for part, slope in self.slopes())))

    def total(self, expr: sp.Expr) -> sp.Expr:
        """The sum of an expression over these features; a number stands at every one of them."""
        return FeatureSum(expr) if axes_of(expr) else expr * Size(*axes_of(self.args[0]))

    def slopes(self) -> Iterator[Contribution]:
        """What the sum runs over, with its factors; a function or a node in it has to have a
        name."""
        (vector,) = self.args
        if vector.has(sp.Function):
            yield vector, sp.S.One
            return
        for q in sorted(symbols_of(vector), key=str):
            yield q, sp.diff(vector, q)


# --- shapes --------------------------------------------------------------------------------------


def axes_of(expr: sp.Expr) -> Axes:
    """The shape of an expression; CellError where its parts do not fit. Scalars stretch to any
    length."""
    if isinstance(expr, Quantity):
        return expr.axes
    if isinstance(expr, Node):
        return expr.axes()
    shapes = {axes_of(argument): argument for argument in expr.args}
    shapes.pop((), None)
    if len(shapes) > 1:
        listed = " and ".join(
            sorted(f"{describe(part)} {shape(axes)}" for axes, part in shapes.items())
        )
        hint = "; a matrix times a vector is W @ x" if max(map(len, shapes)) > 1 else ""
        raise CellError(f"shapes do not fit together: {listed}{hint}")
    return next(iter(shapes), ())


def shape(axes: Axes) -> str:
    """A shape as Python prints one: ``(H, I)``, ``(H,)``, ``()``."""
    return f"({', '.join(map(str, axes))}{',' * (len(axes) == 1)})"


def describe(expr: sp.Expr, longest: int = 40) -> str:
    """An expression for an error message, cut where it is long."""
    text = as_written(expr)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def as_written(expr: sp.Expr) -> str:
    """An expression as a person writes it in a cell, with @ for the product."""
    if isinstance(expr, MatVec):
        return f"{as_written(expr.args[0])} @ {as_written(expr.args[1])}"
    if isinstance(expr, Transposed):
        return f"{as_written(expr.args[0])}.T"
    named = {node: sp.Symbol(as_written(node)) for node in expr.atoms(MatVec)}
    return str(_Written().doprint(expr.xreplace(named)))


class _Written(StrPrinter):
    """SymPy's own text, with all digits of a number."""

    def _print_Float(self, expr: sp.Float) -> str:
        short: str = super()._print_Float(expr)
        return short if float(short) == float(expr) else repr(float(expr))


@lru_cache(maxsize=4096)
def symbols_of(expr: sp.Expr) -> frozenset[Quantity]:
    """The quantities an expression reads. The scheduler asks for the same ones again and again."""
    return frozenset(expr.atoms(Quantity))


def outermost_nodes(expr: sp.Expr) -> list[Node]:
    """The nodes of an expression that are not inside another."""
    if isinstance(expr, Node):
        return [expr]
    return [node for argument in expr.args for node in outermost_nodes(argument)]
