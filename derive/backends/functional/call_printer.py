"""Expressions for libraries in which every call costs: fewer of them."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from derive.backends.functional.printer import FunctionalPrinter
from derive.nodes import Quantity, axes_of, symbols_of
from derive.printing import ATOM, fraction


class CallPrinter(FunctionalPrinter):
    """A printer that can write stacks, and has calls for the slopes of σ and tanh, and for a
    product with what it is added to."""

    def dispatch(self, expr):
        called = self.with_product(expr) if isinstance(expr, sp.Add) else None
        return (called, ATOM) if called else super().dispatch(expr)

    def with_product(self, expr: sp.Add) -> str | None:
        """A sum as a call, where a product of arrays is added to another array: the last of them,
        since calls inside each other nobody could read."""
        products = [term for term in self.terms(expr) if self.is_product(term[1])]
        if not products:
            return None
        is_less, last = products[-1]
        rest = expr + last if is_less else expr - last
        if not rest.has(Quantity):
            return None
        *factors, other = self.sort(last.args)
        before = self.sum(rest) if isinstance(rest, sp.Add) else self(rest)
        return self.sum_and_entries(before, self(sp.Mul(*factors)), self(other), is_less)

    def is_product(self, term: sp.Expr) -> bool:
        """Whether a term is a product of arrays and of nothing else, and no call already."""
        is_of_arrays = isinstance(term, sp.Mul) and all(f.has(Quantity) for f in term.args)
        return is_of_arrays and not fraction(term)[1] and not self.slope(term)

    def product(self, expr):
        """The slopes of σ and tanh, in terms of their values, are one call with what they are
        multiplied with."""
        return self.slope(expr) or super().product(expr)

    def slope(self, expr: sp.Expr) -> tuple[str, int] | None:
        """A product with such a slope as a call, where what else is in it has the same shape."""
        factors = set(sp.Mul.make_args(expr))
        for q in sorted((f for f in factors if isinstance(f, Quantity)), key=str):
            if 1 - q in factors:
                return self.slope_of("sigmoid", q, factors - {q, 1 - q})
        for factor in sorted(factors, key=str):
            for q in symbols_of(factor) if isinstance(factor, sp.Add) else ():
                if factor == 1 - q**2:
                    return self.slope_of("tanh", q, factors - {factor})
        return None

    def slope_of(self, function: str, q: Quantity, others: set[sp.Expr]) -> tuple[str, int] | None:
        """The slope of a function whose value is q, times others that have steps as q has."""
        rest = sp.Mul(*others)
        if q in self.fixed or axes_of(rest) != q.axes or symbols_of(rest) <= self.fixed:
            return None
        return f"_by_{function}({self(rest)}, {self.place(q)})", ATOM

    # stacks

    @staticmethod
    def beside(names: Sequence[str]) -> str:
        """Vectors side by side."""
        raise NotImplementedError

    @staticmethod
    def above(names: Sequence[str]) -> str:
        """Matrices one above the other, or vectors that are parameters one behind the other."""
        raise NotImplementedError

    @staticmethod
    def part(name: str, start: str, stop: str) -> str:
        """The entries from `start` on and before `stop`, of each vector."""
        raise NotImplementedError

    @staticmethod
    def parts(text: str, lengths: Sequence[str], axis: int) -> str:
        """All parts, so long, along an axis."""
        raise NotImplementedError

    @staticmethod
    def sum_and_product(base: str, rows: str, matrix: str) -> str:
        """A matrix plus a product of two."""
        raise NotImplementedError

    @staticmethod
    def sum_and_entries(base: str, left: str, right: str, is_less: bool) -> str:
        """An array plus a product of two, entry by entry; or less it."""
        raise NotImplementedError

    @staticmethod
    def vector_total(vectors: str) -> str:
        """The sum of vectors over all steps and sequences."""
        raise NotImplementedError

    @staticmethod
    def outer_total(lefts: str, rights: str) -> str:
        """The sum of outer products over all steps and sequences."""
        raise NotImplementedError
