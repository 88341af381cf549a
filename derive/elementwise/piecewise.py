"""The functions with a kink or a jump."""

from __future__ import annotations

from math import inf

import sympy as sp

from derive.elementwise.function import Elementwise


class relu(Elementwise):
    """max(x, 0); its derivative at 0 is taken as 0."""

    bounds = (0, inf)

    @staticmethod
    def slopes(y, x):
        return (step(y),)

    @staticmethod
    def textbook(x):
        return sp.Max(x, 0)


class step(Elementwise):
    """1 where x > 0, else 0: the derivative of `relu`. Its own derivative is 0 almost
    everywhere."""

    bounds = (0, 1)

    @staticmethod
    def slopes(y, x):
        return (sp.S.Zero,)

    @staticmethod
    def textbook(x):
        return sp.Heaviside(x, 0)


class absolute(Elementwise):
    """|x|; its derivative at 0 is taken as 0."""

    bounds = (0, inf)

    @staticmethod
    def slopes(y, x):
        return (sign(x),)

    @staticmethod
    def textbook(x):
        return sp.Abs(x)


class sign(Elementwise):
    """-1, 0 or 1. Its derivative is 0 almost everywhere."""

    bounds = (-1, 1)

    @staticmethod
    def slopes(y, x):
        return (sp.S.Zero,)

    @staticmethod
    def textbook(x):
        return sp.sign(x)


class maximum(Elementwise):
    """The larger of two values; where they are equal, each gets half of the derivative."""

    nargs = 2

    @classmethod
    def eval(cls, *args: sp.Expr) -> sp.Expr | None:
        """The larger of two that are the same is either."""
        return args[0] if args[0] == args[-1] else super().eval(*args)

    @staticmethod
    def slopes(y, a, b):
        first = heaviside(a - b)
        return (first, 1 - first)

    @staticmethod
    def textbook(a, b):
        return sp.Max(a, b)


class heaviside(Elementwise):
    """0, one half or 1 for a negative, zero or positive x: the derivative of `maximum`."""

    bounds = (0, 1)

    @staticmethod
    def slopes(y, x):
        return (sp.S.Zero,)

    @staticmethod
    def textbook(x):
        return sp.Heaviside(x, sp.Rational(1, 2))


class _Whole(sp.floor):
    """SymPy's floor; it leaves open what its derivative is between two whole numbers."""

    def fdiff(self, argindex=1):  # noqa: ARG002
        return sp.S.Zero


class floor(Elementwise):
    """The largest whole number that is not above x. Its derivative is 0 almost everywhere."""

    @staticmethod
    def slopes(y, x):
        return (sp.S.Zero,)

    @staticmethod
    def textbook(x):
        return _Whole(x)


class choose(Elementwise):
    """p where d > 0, else q; what is not chosen does not matter, not even where it is no number."""

    nargs = 3

    @classmethod
    def eval(cls, *args: sp.Expr) -> sp.Expr | None:
        """Two that are the same are either; two numbers are a `step` from one to the other."""
        d, p, q = args
        if p == q:
            return p
        if isinstance(d, sp.Number):
            return p if d > 0 else q
        return q + (p - q) * step(d) if p.is_number and q.is_number else None

    @staticmethod
    def slopes(y, d, p, q):
        return (sp.S.Zero, step(d), 1 - step(d))

    @staticmethod
    def textbook(d, p, q):
        return sp.Piecewise((p, d > 0), (q, True))
