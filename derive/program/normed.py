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


class Standardised(Node):
    """One of several vectors with mean 0 and variance 1 over all their entries. Its arguments are
    which one, ε, and the vectors."""

    nargs = None

    @property
    def vectors(self) -> Group:
        """The vectors, side by side."""
        return self.args[2:]

    def axes(self) -> Axes:
        return axes_of(self.vectors[0])


class Spread(Node):
    """What they are divided by: the root of their mean square about their mean, and ε. Its
    arguments are ε and the vectors."""

    nargs = None

    def axes(self) -> Axes:
        return ()


class StandardisedSlope(Node):
    """The derivative of standardising, applied to vectors d: (d - mean(d) - y mean(d y)) / sigma,
    for the standardised vectors y and what they were divided by, sigma. It is its own adjoint. Its
    arguments are which one, sigma, then all the d, and as many y."""

    nargs = None

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


Normed = Standardised | Spread | StandardisedSlope


def computed_with(node: Normed) -> tuple[sp.Basic, ...]:
    """What those that one call computes have in common: what they are made of."""
    return node.args if isinstance(node, Spread) else node.args[1:]


def calls(equations: Iterable[Equation]) -> dict[tuple[sp.Basic, ...], list[Equation]]:
    """The equations that one call computes, by what they have in common."""
    found: dict[tuple[sp.Basic, ...], list[Equation]] = {}
    for e in equations:
        if isinstance(e.rhs, Normed):
            found.setdefault(computed_with(e.rhs), []).append(e)
    return found


def normed_together(equations: Iterable[Equation]) -> list[Group]:
    """The vectors that one call gives, as they lie side by side, where there are several."""
    found = []
    for some in calls(equations).values():
        places = {place_of(e.rhs): e.lhs for e in some if not isinstance(e.rhs, Spread)}
        found.append(tuple(places[k] for k in sorted(places)))
    return [group for group in found if len(group) > 1]


def place_of(node: Standardised | StandardisedSlope) -> int:
    """Which one of several it is."""
    return int(node.args[0])
