"""Functions whose derivative is not their formula's, but declared to be another's."""

from __future__ import annotations

import sympy as sp

from derive.elementwise.function import Elementwise


class Held(sp.Function):
    """For proofs: an expression that keeps its value whatever it is derived by."""

    nargs = 1

    @classmethod
    def eval(cls, expr):
        return expr if expr.is_Number else None

    def fdiff(self, argindex=1):  # noqa: ARG002
        return sp.S.Zero


class Declared(Elementwise):
    """A function that has the value of its first argument, `of`, and the derivative of another
    formula, `like`."""

    @property
    def of(self) -> sp.Expr:
        """What it is the value of."""
        return self.args[0]

    @property
    def like(self) -> sp.Expr:
        """What it has the derivative of."""
        return sp.S.Zero

    @property
    def offset(self) -> sp.Expr:
        """What is added to `like` to have the value, and is held when a derivative is taken."""
        return self.of - self.like


class stop_gradient(Declared):
    """Its argument, as if that were a constant: the derivative is 0."""

    @classmethod
    def eval(cls, *args: sp.Expr) -> sp.Expr | None:
        """What has no derivative anyhow, a number or what is stopped already, is left as it is."""
        return args[0] if args[0].is_number or isinstance(args[0], stop_gradient) else None

    @staticmethod
    def slopes(y, x):
        return (sp.S.Zero,)

    @staticmethod
    def textbook(x):
        return Held(x)


class surrogate(Declared):
    """The value of its first argument with the derivative of its second."""

    nargs = 2

    @property
    def like(self) -> sp.Expr:
        return self.args[1]

    @staticmethod
    def slopes(y, of, like):
        return (sp.S.Zero, sp.S.One)

    @staticmethod
    def textbook(of, like):
        return like + Held(of - like)
