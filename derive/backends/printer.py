"""What the printers of all targets have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

import sympy as sp

from derive.nodes import Axes, Axis, Outer, Quantity, Size, places
from derive.printing import PRODUCT, Infix


class PlacedPrinter(Infix):
    """Prints elementwise expressions on what `place` names; `size` names lengths. Of the outer
    products that have a `product` of their own, that is printed."""

    def __init__(
        self,
        rank: Mapping[str, int],
        place: Callable[[Quantity], str],
        size: Callable[[Axis], str],
        products: Mapping[sp.Expr, str] = MappingProxyType({}),
    ):
        super().__init__(rank)
        self.place, self.size, self.products = place, size, products

    def outer(self, left, right):
        if (product := self.products.get(Outer(left, right))) is not None:
            return product
        return f"{self.print(left, PRODUCT)} * {self.print(right, PRODUCT)}"

    def symbol(self, symbol):
        return self.size(symbol.axis) if isinstance(symbol, Size) else self.place(symbol)


def extent(parts: Iterable[Quantity], size: Callable[[Axis], str]) -> str:
    """The lengths of a buffer's own axes: one for what lies side by side, more for a matrix."""
    parts = tuple(parts)
    if any(len(q.axes) > 1 for q in parts):
        return ", ".join(map(size, parts[0].axes))
    return width(parts, size)


def width(parts: Iterable[Quantity], size: Callable[[Axis], str]) -> str:
    """How many entries quantities side by side have: ``4 * H``, ``2 * H + P``, ``K * V``; 1 for a
    number."""
    return summed(" * ".join(map(size, q.axes)) for q in parts if q.axes) or "1"


def summed(lengths: Iterable[str]) -> str:
    """The sum of lengths, alike ones counted."""
    counts = Counter(lengths)
    terms = (length if n == 1 else f"{n} * {length}" for length, n in counts.items())
    return " + ".join(terms)


def places_text(axes: Axes, some: Collection[Axis]) -> str:
    """Where some axes are among others, counted from the last, as an argument `axis`."""
    found = places(axes, some)
    return str(found[0]) if len(found) == 1 else str(found)
