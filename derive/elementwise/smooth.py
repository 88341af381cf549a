"""The smooth functions."""

from __future__ import annotations

from math import inf

import sympy as sp

from derive.elementwise.function import Elementwise
from derive.nodes import Size


class sigmoid(Elementwise):
    """The logistic function 1 / (1 + exp(-x)), in (0, 1)."""

    bounds = (0, 1)

    @staticmethod
    def slopes(y, x):
        return (y * (1 - y),)

    @staticmethod
    def textbook(x):
        return 1 / (1 + sp.exp(-x))


class tanh(Elementwise):
    """The hyperbolic tangent, in (-1, 1)."""

    bounds = (-1, 1)

    @staticmethod
    def slopes(y, x):
        return (1 - y**2,)

    @staticmethod
    def textbook(x):
        return sp.tanh(x)


class exp(Elementwise):
    """The exponential."""

    bounds = (0, inf)

    @staticmethod
    def slopes(y, x):
        return (y,)

    @staticmethod
    def textbook(x):
        return sp.exp(x)


class expm1(Elementwise):
    """exp(x) - 1, accurate where x is small."""

    bounds = (-1, inf)

    @staticmethod
    def slopes(y, x):
        return (exp(x),)

    @staticmethod
    def textbook(x):
        return sp.exp(x) - 1


class log(Elementwise):
    """The natural logarithm, of positive values. That of a sigmoid is `log_sigmoid`."""

    @classmethod
    def eval(cls, *args: sp.Expr) -> sp.Expr | None:
        """log(sigmoid(x)) is written as what it is accurate as."""
        (x,) = args
        return log_sigmoid(*x.args) if isinstance(x, sigmoid) else super().eval(x)

    @staticmethod
    def slopes(y, x):
        return (1 / x,)

    @staticmethod
    def textbook(x):
        return sp.log(x)


class log1p(Elementwise):
    """log(1 + x), accurate where x is small."""

    @staticmethod
    def slopes(y, x):
        return (1 / (1 + x),)

    @staticmethod
    def textbook(x):
        return sp.log(1 + x)


class log_sigmoid(Elementwise):
    """log(1 / (1 + exp(-x))), accurate where the sigmoid is all but 0 or all but 1."""

    bounds = (-inf, 0)

    @staticmethod
    def slopes(y, x):
        return (-expm1(y),)

    @staticmethod
    def textbook(x):
        return -sp.log(1 + sp.exp(-x))


class softplus(Elementwise):
    """log(1 + exp(x)), a smooth `relu`."""

    bounds = (0, inf)

    @staticmethod
    def slopes(y, x):
        return (sigmoid(x),)

    @staticmethod
    def textbook(x):
        return sp.log(1 + sp.exp(x))


class sqrt(Elementwise):
    """The square root, of positive values."""

    @classmethod
    def eval(cls, *args: sp.Expr) -> sp.Expr | None:
        """Of sizes it is a power, as of numbers."""
        (x,) = args
        sizes = x.atoms(sp.Symbol) and x.free_symbols == x.atoms(Size)
        return sp.sqrt(x) if sizes else super().eval(x)

    @staticmethod
    def slopes(y, x):
        return (1 / (2 * y),)

    @staticmethod
    def textbook(x):
        return sp.sqrt(x)


class sin(Elementwise):
    """The sine."""

    bounds = (-1, 1)

    @staticmethod
    def slopes(y, x):
        return (cos(x),)

    @staticmethod
    def textbook(x):
        return sp.sin(x)


class cos(Elementwise):
    """The cosine."""

    bounds = (-1, 1)

    @staticmethod
    def slopes(y, x):
        return (-sin(x),)

    @staticmethod
    def textbook(x):
        return sp.cos(x)
