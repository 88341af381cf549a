"""What equations are made of, beside elementwise functions: quantities, and the few nodes that are
not elementwise.

A SymPy symbol stands for a whole array. That is exact for everything elementwise, because arrays of
one shape form a commutative ring under elementwise addition and multiplication: ``f*c`` *is* the
elementwise product, and SymPy's ``diff`` is its derivative. A number, or a vector beside a matrix,
is in the ring, too: it is the same along every axis that it has not. Axes are matched by name, so a
vector along K scales the rows of a matrix (K, V), and one along V its columns. Of a matrix (H, H)
the rows come first; there a vector along H could mean either, and stands beside it in products
only. What is not elementwise is a node of its own here, with its shape rule, its adjoint and its
tangent side by side.

A new node is one class with three rules (see `Node`), as a new function is one with two
(`derive.elementwise`). Nothing else in the package has to know of it, apart from the printers of
the targets it should be printed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter


class CellError(ValueError):
    """A cell's equations are wrong; the message says which equation, what is wrong, and what was
    expected."""


@dataclass(frozen=True)
class Axis:
    """A direction along which a quantity extends: its letter in shapes and its argument name in
    generated code. What has an axis of `heads` is done for each head apart."""

    letter: str
    argument: str
    heads: bool = False

    def __str__(self) -> str:
        return self.letter

    def _sympy_(self) -> Size:
        return Size(self)

    __repr__ = __str__

    @property
    def identity(self) -> str:
        """What tells it from others: two axes may share a letter in two cells."""
        return f"{self.letter} {self.argument}{' of heads' * self.heads}"


def Heads(letter: str = "N", argument: str = "heads") -> Axis:
    """The axis of heads: all that has it is done for each head apart; what has not is shared."""
    return Axis(letter, argument, True)


I = Axis("I", "input_size")
H = Axis("H", "hidden_size")
ONE = Axis("1", "one")  # no quantity's: where an array is seen along an axis that it has not

Axes = tuple[Axis, ...]


class Factor:
    """What may stand on either side of @. SymPy's own sums and products have no such sign, so that
    of ``(U - V) @ h`` the vector makes the product."""

    def __matmul__(self, vector: object) -> sp.Expr:
        return product(self, vector)

    def __rmatmul__(self, matrix: object) -> sp.Expr:
        return product(matrix, self)


class Quantity(Factor, sp.Symbol):
    """A named scalar ``()``, vector ``(H,)`` or matrix ``(H, I)``, or one of these for each head,
    ``(N, K)``; two of one name and shape are the same."""

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

    @property
    def T(self) -> Transposed:
        """The transpose of a matrix, for ``W.T @ h``."""
        if len(own(self.axes)) != 2:
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


class Node(Factor, sp.Function):
    """Something not elementwise, linear in each of its arguments.

    Linearity gives every node its tangent, the sum over its arguments with one replaced by its
    tangent. Shape rule, adjoint and value are each node's own. `drawn` is the word for it in a
    picture, and a reduction makes one number of many.
    """

    drawn = ""
    is_reduction = False

    def axes(self) -> Axes:
        """The node's own shape; raises CellError where the arguments do not fit together."""
        raise NotImplementedError

    def adjoint(self, bar: sp.Expr) -> Iterator[Contribution]:
        """For the node's adjoint `bar`, what each argument receives: pairs (argument,
        contribution)."""
        raise NotImplementedError

    def value(self, *arrays: Any) -> Any:
        """The value, for arrays in the place of its arguments whose last axes are the arguments'
        own."""
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
        rows_columns, length = sides(axes_of(matrix)), self.length()
        if len(rows_columns) != 2:
            raise CellError(
                f"the left side of @ must be a matrix, and {as_written(matrix)} has shape "
                f"{shape(axes_of(matrix))}"
            )
        if length != rows_columns[1:]:
            raise CellError(
                f"{as_written(matrix)} @ {describe(vector)} does not fit: {as_written(matrix)} has "
                f"shape {shape(rows_columns)}, so it needs a vector of shape "
                f"{shape(rows_columns[1:])}, not {shape(length)}"
                + "; for a product of matrices, write U @ (W @ x)"
                * (len(length) > 1)
            )
        return self.among() + rows_columns[:1]

    def length(self) -> Axes:
        """The axes of the vector, of each head."""
        rows_columns = sides(axes_of(self.args[0]))
        return tuple(a for a in axes_of(self.args[1]) if not a.heads or a in rows_columns)

    def among(self) -> Axes:
        """The heads for each of which there is a product."""
        rows_columns = sides(axes_of(self.args[0]))
        return tuple(a for a in heads(*map(axes_of, self.args)) if a not in rows_columns)

    def adjoint(self, bar):
        matrix, vector = self.args
        if isinstance(matrix, Transposed):  # W.T @ u
            (matrix,) = matrix.args
            yield vector, MatVec(matrix, bar)
            yield matrix, Outer(vector, bar)
        else:
            yield vector, MatVec(Transposed(matrix), bar)
            yield matrix, Outer(bar, vector)

    def value(self, *arrays):
        matrix, vector = map(axes_of, self.args)
        left = stretched(arrays[0], matrix, self.among() + sides(matrix))
        right = stretched(arrays[1], vector, self.among() + self.length())
        return (left @ right[..., None])[..., 0]


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


def product(matrix: object, vector: object) -> sp.Expr:
    """``matrix @ vector``, as a person writes it: that of a sum is the sum of the products, and
    numbers stand outside."""
    left = formula(matrix)
    try:
        right = sp.sympify(vector, strict=True)
    except sp.SympifyError:
        raise CellError(
            f"the right side of {as_written(left)} @ … must be a vector, and a "
            f"{type(vector).__name__} is none; instead of joining vectors, add products: "
            f"W.x @ x + W.h @ h"
        ) from None
    return sp.Add(*(_product(term, right) for term in sp.Add.make_args(left)))


def _product(matrix: sp.Expr, vector: sp.Expr) -> sp.Expr:
    factors = sp.Mul.make_args(matrix)
    numbers = [f for f in factors if axes_of(f) == ()] if len(factors) > 1 else []
    bare = sp.Mul(*(f for f in factors if f not in numbers))
    return sp.Mul(*numbers, MatVec(bare, vector))


class Transposed(Node):
    """The transpose of a matrix."""

    nargs = 1

    def axes(self) -> Axes:
        axes = axes_of(self.args[0])
        return tuple(a for a in axes if a not in sides(axes)) + sides(axes)[::-1]

    def adjoint(self, bar):
        yield self.args[0], Transposed(bar)

    def value(self, *arrays):
        return arrays[0].swapaxes(-1, -2)


class Outer(Node):
    """The outer product u vᵀ, a matrix."""

    nargs = 2

    def axes(self) -> Axes:
        left, right = map(_vector, map(axes_of, self.args))
        for vector, axis in zip(self.args, (left, right), strict=True):
            if len(axis) != 1 or (left == right and axis[0].heads):
                raise CellError(
                    f"an outer product is one of two vectors, and {describe(vector)} has shape "
                    f"{shape(axes_of(vector))}"
                )
        return self.among() + left + right

    def among(self) -> Axes:
        """The heads for each of which there is a product."""
        shapes = list(map(axes_of, self.args))
        vectors = [axis for axes in shapes for axis in _vector(axes)]
        return tuple(axis for axis in heads(*shapes) if axis not in vectors)

    def seen(self, within: Axes) -> tuple[Axes, Axes]:
        """The axes along which either vector is seen, within a matrix of these: the left one as
        rows, the right one as columns, whether or not these have one axis between them."""
        *among, row, column = within
        return (*among, row, ONE), (*among, ONE, column)

    def adjoint(self, bar):
        left, right = self.args
        yield left, MatVec(bar, right)
        yield right, MatVec(Transposed(bar), left)

    def value(self, *arrays):
        level = zip(arrays, map(axes_of, self.args), self.seen(self.axes()), strict=True)
        left, right = (stretched(array, axes, to) for array, axes, to in level)
        return left * right


class FeatureSum(Node):
    """The sum over the features of a vector, one number for each sequence; or over the axes whose
    sizes are named behind it.

    What is summed may be a formula of named quantities; each receives its own share.
    """

    nargs = None
    drawn = "sum"
    is_reduction = True

    @property
    def summed(self) -> Axes:
        """The axes that the sum runs over."""
        whole, *sizes = self.args
        return tuple(size.axis for size in sizes) or own(axes_of(whole))

    def axes(self) -> Axes:
        whole, *sizes = self.args
        axes = axes_of(whole)
        if not sizes and len(own(axes)) != 1:
            raise CellError(f"a sum is taken over a vector, and {describe(whole)} is none")
        for axis in self.summed:
            if axis not in axes:
                raise CellError(f"{describe(whole)} has shape {shape(axes)}, and no axis {axis}")
        return tuple(axis for axis in axes if axis not in self.summed)

    def adjoint(self, bar):
        for part, slope in self.slopes():  # every feature receives the same
            axes = axes_of(part) + (axes_of(slope) if has_shape(slope) else ())
            yield part, spread(bar * slope, axes_of(part)) * self.alike(axes)

    def tangent(self, dot):
        return self.total(sp.Add(*(opened(slope * dot(part)) for part, slope in self.slopes())))

    def total(self, expr: sp.Expr) -> sp.Expr:
        """The sum of an expression over these axes; what lacks one stands at every entry of it."""
        axes = axes_of(expr)
        present = [axis for axis in self.summed if axis in axes]
        return (summed(expr, present) if present else expr) * self.alike(axes)

    def alike(self, axes: Axes) -> sp.Expr:
        """How many entries that the sum runs over are the same for what has these axes."""
        there = axes_of(self.args[0])
        return count(axis for axis in there if axis in self.summed and axis not in axes)

    def slopes(self) -> Iterator[Contribution]:
        """What the sum runs over, with its factors; a function or a node in it has to have a
        name."""
        whole = self.args[0]
        if whole.has(sp.Function):
            yield whole, sp.S.One
            return
        for q in sorted(symbols_of(whole), key=str):
            yield q, sp.diff(whole, q)

    def value(self, *arrays):
        return arrays[0].sum(axis=places(axes_of(self.args[0]), self.summed))


def summed(expr: sp.Expr, axes: Iterable[Axis]) -> sp.Expr:
    """The sum of an expression over these axes of it."""
    axes = tuple(axes)
    is_vector = axes == own(axes_of(expr)) and len(axes) == 1
    return FeatureSum(expr) if is_vector else FeatureSum(expr, *map(Size, axes))


def spread(product: sp.Expr, axes: Axes) -> sp.Expr:
    """A product within a matrix of these axes. What goes along its rows and what goes along its
    columns have no shape side by side; as an outer product they have."""
    terms = []
    for term in sp.Add.make_args(opened(product)):
        if not has_shape(term):
            row, column = sides(axes)
            factors = sp.Mul.make_args(term)
            left = [f for f in factors if row in axes_of(f)]
            right = [f for f in factors if column in axes_of(f)]
            rest = [f for f in factors if f not in (*left, *right)]
            term = sp.Mul(*rest, Outer(sp.Mul(*left), sp.Mul(*right)))
        terms.append(term)
    return sp.Add(*terms)


def count(axes: Iterable[Axis]) -> sp.Expr:
    """How many entries there are along these axes."""
    return sp.Mul(*map(Size, axes))


# --- shapes --------------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def axes_of(expr: sp.Expr) -> Axes:
    """The shape of an expression; CellError where its parts do not fit. What lacks an axis is
    stretched along it: a number to any shape, a vector to that of a matrix."""
    if isinstance(expr, Quantity):
        return expr.axes
    if isinstance(expr, Node):
        return expr.axes()
    shapes = {axes_of(argument): argument for argument in expr.args}
    shapes.pop((), None)
    if len(shapes) < 2:
        return next(iter(shapes), ())
    widest = max((own(axes) for axes in shapes), key=len)
    if all(is_part(own(axes), widest) for axes in shapes):
        return heads(*shapes) + widest
    listed = " and ".join(
        sorted(f"{describe(part)} {shape(axes)}" for axes, part in shapes.items())
    )
    raise CellError(f"shapes do not fit together: {listed}{_hint(widest, map(own, shapes))}")


def _hint(widest: Axes, shapes: Iterable[Axes]) -> str:
    """What may have been meant by a vector beside a matrix."""
    if is_square(widest) and widest[:1] in shapes:
        return (
            f"; with one = Vector({widest[0]}, trained=False, at=1), outer(a, one) * M scales the "
            f"rows of M, and outer(one, a) * M its columns; a matrix times a vector is W @ x"
        )
    return "; a matrix times a vector is W @ x" if len(widest) > 1 else ""


def has_shape(expr: sp.Expr) -> bool:
    """Whether an expression has a shape by itself: vectors along different axes have none together,
    if no matrix stands beside them."""
    try:
        axes_of(expr)
    except CellError:
        return False
    return True


def opened(product: sp.Expr) -> sp.Expr:
    """A product, multiplied out where it has no shape by itself. By S of ``a * S * b - S``, for an
    a along the rows of S and a b along its columns, the slope is ``a * b - 1``, which has none:
    there each term takes the matrix that it is multiplied with to it."""
    return product if has_shape(product) else sp.expand_mul(product)


def own(axes: Axes) -> Axes:
    """The axes without those of heads: what there is of each head, or of all that are no heads."""
    return tuple(axis for axis in axes if not axis.heads)


def heads(*shapes: Axes) -> Axes:
    """The axes of heads in any of these shapes."""
    return tuple(dict.fromkeys(axis for axes in shapes for axis in axes if axis.heads))


def sides(axes: Axes) -> Axes:
    """The rows and columns of a matrix; one without an axis of its own for its rows has a row for
    each head."""
    return own(axes) if len(own(axes)) != 1 else axes


def _vector(axes: Axes) -> Axes:
    """The axis along which a vector extends; numbers of all heads are a vector along these."""
    return own(axes) or axes


def with_heads(product: sp.Expr) -> bool:
    """Whether a product with a matrix is summed over the heads: what each of them hands back to a
    vector that all share."""
    return (
        isinstance(product, FeatureSum)
        and isinstance(product.args[0], MatVec)
        and all(axis.heads for axis in product.summed)
    )


def is_matrix(quantity: Quantity) -> bool:
    """Whether a quantity is a matrix, or one for each head."""
    return len(own(quantity.axes)) > 1


def is_square(axes: Axes) -> bool:
    """Whether rows and columns have one axis between them, and are told apart by their order."""
    return len(set(own(axes))) < len(own(axes))


def places(axes: Axes, some: Collection[Axis]) -> tuple[int, ...]:
    """Where some axes are among others, counted from the last; one may be there twice."""
    return tuple(k - len(axes) for k, axis in enumerate(axes) if axis in some)


def is_part(some: Axes, axes: Axes) -> bool:
    """Whether axes are among others, in the same order."""
    return some == tuple(axis for axis in axes if axis in some)


def stretched(array: Any, axes: Axes, to: Axes) -> Any:
    """An array whose last axes are these, seen so that it fits one of the axes `to`."""
    if axes == to:
        return array
    return array[(..., *(slice(None) if axis in axes else None for axis in to))]


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
    if isinstance(expr, Outer | FeatureSum):
        word = "outer" if isinstance(expr, Outer) else "sum"
        return f"{word}({', '.join(map(as_written, expr.args))})"
    nodes = expr.atoms(MatVec, Outer, FeatureSum)
    named = {node: sp.Symbol(as_written(node)) for node in nodes}
    return str(_Written().doprint(expr.xreplace(named)))


class _Written(StrPrinter):
    """SymPy's own text, but a number has the digits that tell it from others, and no more."""

    def _print_Float(self, expr: sp.Float) -> str:
        return repr(float(expr))


@lru_cache(maxsize=4096)
def symbols_of(expr: sp.Expr) -> frozenset[Quantity]:
    """The quantities an expression reads. The scheduler asks for the same ones again and again."""
    return frozenset(expr.atoms(Quantity))


def outermost_nodes(expr: sp.Expr) -> list[Node]:
    """The nodes of an expression that are not inside another."""
    if isinstance(expr, Node):
        return [expr]
    return [node for argument in expr.args for node in outermost_nodes(argument)]
