"""Expressions for libraries in which every call costs: fewer of them."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from derive.backends.functional.printer import FunctionalPrinter
from derive.nodes import Quantity, axes_of, symbols_of
from derive.printing import ATOM


class CallPrinter(FunctionalPrinter):
    """A printer that can write stacks, and has calls for the slopes of σ and tanh."""

    def product(self, expr):
        """The slopes of σ and tanh, in terms of their values, are one call with what they are
        multiplied with."""
        factors = set(sp.Mul.make_args(expr))
        for q in sorted((f for f in factors if isinstance(f, Quantity)), key=str):
            if 1 - q in factors:
                return self.slope("sigmoid", q, factors - {q, 1 - q}) or super().product(expr)
        for factor in sorted(factors, key=str):
            for q in symbols_of(factor) if isinstance(factor, sp.Add) else ():
                if factor == 1 - q**2:
                    return self.slope("tanh", q, factors - {factor}) or super().product(expr)
        return super().product(expr)

    def slope(self, function: str, q: Quantity, others: set[sp.Expr]) -> tuple[str, int] | None:
        """Such a product as a call, where the others have the same shape."""
        rest = sp.Mul(*others)
        if q in self.fixed or axes_of(rest) != q.axes or not any(o.has(Quantity) for o in others):
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
    def vector_total(vectors: str) -> str:
        """The sum of vectors over all steps and sequences."""
        raise NotImplementedError

    @staticmethod
    def outer_total(lefts: str, rights: str) -> str:
        """The sum of outer products over all steps and sequences."""
        raise NotImplementedError
