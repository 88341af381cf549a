"""The elementwise functions: each a class with two rules, its derivative and its textbook formula.

A new function is one class more. Nothing else in the package has to know of it, apart from the
printers of the targets it should be printed in.
"""

from __future__ import annotations

import sympy as sp


class Elementwise(sp.Function):
    """A function applied to every entry. Its derivative is stated by its input x and its output y,
    so that generated code reuses the y it already has: the sigmoid's is y(1 - y), and never an
    exponential."""

    nargs = 1

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


class sigmoid(Elementwise):
    """The logistic function 1 / (1 + exp(-x)), in (0, 1)."""

    @staticmethod
    def slopes(y, x):
        return (y * (1 - y),)

    @staticmethod
    def textbook(x):
        return 1 / (1 + sp.exp(-x))


class tanh(Elementwise):
    """The hyperbolic tangent, in (-1, 1)."""

    @staticmethod
    def slopes(y, x):
        return (1 - y**2,)

    @staticmethod
    def textbook(x):
        return sp.tanh(x)


class relu(Elementwise):
    """max(x, 0); its derivative at 0 is taken as 0."""

    @staticmethod
    def slopes(y, x):
        return (step(y),)

    @staticmethod
    def textbook(x):
        return sp.Max(x, 0)


class step(Elementwise):
    """1 where x > 0, else 0: the derivative of `relu`. Its own derivative is 0 almost
    everywhere."""

    @staticmethod
    def slopes(y, x):
        return (sp.S.Zero,)

    @staticmethod
    def textbook(x):
        return sp.Heaviside(x, 0)


class exp(Elementwise):
    """The exponential."""

    @staticmethod
    def slopes(y, x):
        return (y,)

    @staticmethod
    def textbook(x):
        return sp.exp(x)


class log(Elementwise):
    """The natural logarithm, of positive values."""

    @staticmethod
    def slopes(y, x):
        return (1 / x,)

    @staticmethod
    def textbook(x):
        return sp.log(x)


class sqrt(Elementwise):
    """The square root, of positive values."""

    @staticmethod
    def slopes(y, x):
        return (1 / (2 * y),)

    @staticmethod
    def textbook(x):
        return sp.sqrt(x)


class sin(Elementwise):
    """The sine."""

    @staticmethod
    def slopes(y, x):
        return (cos(x),)

    @staticmethod
    def textbook(x):
        return sp.sin(x)


class cos(Elementwise):
    """The cosine."""

    @staticmethod
    def slopes(y, x):
        return (-sin(x),)

    @staticmethod
    def textbook(x):
        return sp.cos(x)


class softplus(Elementwise):
    """log(1 + exp(x)), a smooth `relu`."""

    @staticmethod
    def slopes(y, x):
        return (sigmoid(x),)

    @staticmethod
    def textbook(x):
        return sp.log(1 + sp.exp(x))


class absolute(Elementwise):
    """|x|; its derivative at 0 is taken as 0."""

    @staticmethod
    def slopes(y, x):
        return (sign(x),)

    @staticmethod
    def textbook(x):
        return sp.Abs(x)


class sign(Elementwise):
    """-1, 0 or 1. Its derivative is 0 almost everywhere."""

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

    @staticmethod
    def slopes(y, x):
        return (sp.S.Zero,)

    @staticmethod
    def textbook(x):
        return sp.Heaviside(x, sp.Rational(1, 2))
