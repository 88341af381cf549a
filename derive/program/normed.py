"""Standardising as one thing, and its derivative: for a target that has a function for each.

In the equations a vector is standardised by its mean and its deviation, which are equations of
their own. Here these become nodes, each of which a target computes in one call.
"""

from __future__ import annotations

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


def place_of(node: Standardised | StandardisedSlope) -> int:
    """Which one of several it is."""
    return int(node.args[0])
