"""The base of all elementwise functions."""

from __future__ import annotations

from math import inf
from typing import ClassVar

import sympy as sp

from derive.nodes import Factor, formula


class Elementwise(Factor, sp.Function):
    """A function applied to every entry. Its derivative is stated by its input x and its output y,
    so that generated code reuses the y it already has: the sigmoid's is y(1 - y), and never an
    exponential."""

    nargs = 1
    bounds: ClassVar[tuple[float, float]] = (-inf, inf)  # what its values lie between

    def __new__(cls, *args, **options):
        return super().__new__(cls, *map(formula, args), **options)

    @staticmethod
    def slopes(y: sp.Expr, *xs: sp.Expr) -> tuple[sp.Expr, ...]:
        """The partial derivative by each argument, in terms of the arguments and of the output
        y."""
        raise NotImplementedError

    @staticmethod
    def textbook(*xs: sp.Expr) -> sp.Expr:
        """The same function in SymPy's own words, for a proof that does not rest on `slopes`."""
        raise NotImplementedError

    @classmethod
    def eval(cls, *args: sp.Expr) -> sp.Expr | None:
        """A function of plain numbers is a number."""
        if all(isinstance(a, sp.Number) for a in args):
            value = cls.textbook(*args)
            return value if value.is_Rational else value.evalf(30)
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.slopes(self, *self.args)[argindex - 1]
