"""Expressions as NumPy writes them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from copy import copy
from typing import Self

import sympy as sp

from derive.backends.printer import PlacedPrinter
from derive.elementwise import Elementwise
from derive.nodes import Axes, Axis, Outer, Quantity, axes_of, places
from derive.printing import ATOM, POWER, PRODUCT
from derive.program.sums import factors

# NumPy's own function, where it has one that takes float32, float64 and complex128 alike. The
# others are helpers in the generated module, named with an underscore.
UFUNCS = frozenset(
    "tanh exp expm1 log log1p sqrt sin cos maximum "
    "add subtract multiply divide power negative".split()
)


class NumPyPrinter(PlacedPrinter):
    """Prints elementwise expressions on the arrays that `place` names, each seen so that it fits
    one of `axes`."""

    def __init__(
        self,
        rank: Mapping[str, int],
        place: Callable[[Quantity], str],
        size: Callable[[Axis], str],
        axes: Axes,
    ):
        super().__init__(rank, place, size)
        self.axes = axes

    def symbol(self, symbol):
        text = super().symbol(symbol)
        return stretched(text, symbol.axes, self.axes) if isinstance(symbol, Quantity) else text

    def outer(self, left, right):
        if (product := self.products.get(Outer(left, right))) is not None:
            return product
        seen = zip((left, right), Outer(left, right).seen(self.axes), strict=True)
        return " * ".join(stretched(self.place(q), q.axes, to) for q, to in seen)

    def gathering(self, nodes: Iterable[Outer], fixed: Container[Quantity]) -> Self:
        """The same printer, for which outer products are sums over all steps and sequences."""
        made = copy(self)
        made.products = {node: self.gathered(node, fixed) for node in nodes}
        return made

    def gathered(self, node: Outer, fixed: Container[Quantity]) -> str:
        """The sum of an outer product over all steps and sequences."""
        left, right = node.args
        one, other = self.place(left), self.place(right)
        if left not in fixed and right not in fixed:
            return f"(_rows({one}).T @ _rows({other}))"
        sums = (
            text if q in fixed else f"np.sum({text}, axis=(0, 1))"
            for q, text in ((left, one), (right, other))
        )
        return f"np.outer({', '.join(sums)})"

    def power(self, expr):
        base, exponent = expr.args
        if exponent.is_negative:
            return self.quotient("1", [base ** (-exponent)]), PRODUCT
        power = " ** " if not self.print(base, ATOM).isidentifier() else "**"
        return f"{self.print(base, ATOM)}{power}{self.print(exponent, ATOM)}", POWER

    def feature_sum(self, whole, *sizes):
        axes = axes_of(whole)
        along = tuple(size.axis for size in sizes) or axes[-1:]
        number = tuple(axis for axis in axes if axis not in along)
        text = self.within(axes).summed(whole, places(axes, along), bool(number))
        return stretched(text, number, self.axes)

    def within(self, axes: Axes) -> Self:
        """The same printer, for arrays that fit one of other axes."""
        made = copy(self)
        made.axes = axes
        return made

    def summed(self, whole: sp.Expr, along: tuple[int, ...], is_of_heads: bool) -> str:
        """A sum over axes in these places: for each head a number, or one for each sequence, which
        has an axis of length 1."""
        axis = along[0] if len(along) == 1 else along
        if is_of_heads:
            return f"np.sum({self(whole)}, axis={axis})"
        if axis != -1:
            return f"np.sum({self(whole)}, axis={axis})[:, None]"
        two = factors(whole)
        if two and all(isinstance(factor, Quantity) for factor in two):
            return f"_dot({', '.join(map(self, self.sort(two)))})"
        return f"np.sum({self(whole)}, axis=-1, keepdims=True)"

    def function(self, expr):
        return f"{called(expr.func.__name__)}({', '.join(map(self, expr.args))})"


def called(function: str) -> str:
    """What a function is called in a generated module."""
    return f"np.{function}" if function in UFUNCS else f"_{function}"


def helpers(expressions: Iterable[sp.Expr], activations: Iterable[str]) -> set[str]:
    """The functions that a module has to bring along, since NumPy has none."""
    used = {type(f).__name__ for expr in expressions for f in expr.atoms(Elementwise)}
    return (used - UFUNCS) | (set(activations) - UFUNCS - {"sigmoid"})


def stretched(array: str, axes: Axes, to: Axes) -> str:
    """An array of these axes, seen so that it fits one of the axes `to`. A number for each sequence
    has an axis of length 1 there."""
    if axes == to or len(to) < 2:
        return array
    if not axes:
        return f"{array}[..., {', '.join(['None'] * (len(to) - 1))}]"
    places = [":" if axis in axes else "None" for axis in to]
    return f"{array}[..., {', '.join(places[places.index('None') :])}]"


def between(low: str, high: str) -> str:
    """A slice, spaced as a formatter spaces it; an empty end is the array's own."""
    sign = " : " if " " in low + high else ":"
    return f"{low}{sign}{high}".strip()


def part(array: str, piece: str, *, is_vector: bool = False) -> str:
    """A slice of the last axis."""
    return f"{array}[{'' if is_vector else '..., '}{piece}]"


def step_of(array: str, t: str, shift: int = 0) -> str:
    """One step of an array of all steps."""
    return f"{array}[{t}{' + 1' * shift}]"


def part_of_step(array: str, t: str, piece: str) -> str:
    """A slice of one step."""
    return f"{array}[{t}, :, {piece}]"


def trajectory(array: str, shift: int) -> str:
    """All steps of a state: before each of them, or after."""
    return f"{array}[{'1:' if shift else ':-1'}]"
