"""Standardising as one thing, and its derivative: for a target that has a function for each.

In the equations a vector is standardised by its mean and its deviation, which are equations of
their own. Here these become nodes, each of which a target computes in one call.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from derive.cell import Equation
from derive.nodes import Axes, Node, axes_of
from derive.program.statements import Group


class Normed(Node):
    """One of several quantities that one call computes."""

    nargs = None

    @property
    def place(self) -> int:
        """Which one of them it is."""
        return int(self.args[0])

    @property
    def call(self) -> tuple[sp.Basic, ...]:
        """What they have in common: what the call is given."""
        return self.args[1:]


class Standardised(Normed):
    """One of several vectors with mean 0 and variance 1 over all their entries. Its arguments are
    which one, ε, and the vectors."""

    @property
    def vectors(self) -> Group:
        """The vectors, side by side."""
        return self.args[2:]

    def axes(self) -> Axes:
        return axes_of(self.vectors[0])


class Spread(Normed):
    """What they are divided by: the root of their mean square about their mean, and ε. Its
    arguments are ε and the vectors."""

    @property
    def place(self) -> int:
        """It lies behind the vectors."""
        return len(self.args)

    @property
    def call(self) -> tuple[sp.Basic, ...]:
        return self.args

    def axes(self) -> Axes:
        return ()


class StandardisedSlope(Normed):
    """The derivative of standardising, applied to vectors d: (d - mean(d) - y mean(d y)) / sigma,
    for the standardised vectors y and what they were divided by, sigma. It is its own adjoint. Its
    arguments are which one, sigma, then all the d, and as many y."""

    @property
    def moved(self) -> Group:
        """The vectors that it is applied to."""
        return self.args[2 : 2 + len(self.args[2:]) // 2]

    @property
    def standardised(self) -> Group:
        """The standardised ones."""
        return self.args[2 + len(self.args[2:]) // 2 :]

    def axes(self) -> Axes:
        return axes_of(self.moved[0])


def calls(equations: Iterable[Equation]) -> dict[tuple[sp.Basic, ...], list[Equation]]:
    """The equations that one call computes, by what it is given: of the vectors as they lie side by
    side, then of what they are divided by."""
    found: dict[tuple[sp.Basic, ...], list[Equation]] = {}
    for e in equations:
        if isinstance(e.rhs, Normed):
            found.setdefault(e.rhs.call, []).append(e)
    return {call: sorted(some, key=lambda e: e.rhs.place) for call, some in found.items()}


def vectors_of(together: Iterable[Equation]) -> Group:
    """The vectors among what one call computes."""
    return tuple(e.lhs for e in together if not isinstance(e.rhs, Spread))
