"""Nodes whose derivative is stated by their output, and the first of them: how far vectors lie from
their mean, for layer normalisation."""

from __future__ import annotations

import sympy as sp

from derive.elementwise import sqrt
from derive.nodes import (
    Axes,
    CellError,
    FeatureSum,
    Node,
    Size,
    axes_of,
    describe,
    heads,
    own,
    shape,
)


class Stated(Node):
    """A node whose derivative is stated by its output y, as an elementwise function's is. `called`
    is the word for one that has no name."""

    called = ""

    def slopes(self, y: sp.Expr) -> tuple[sp.Expr, ...]:
        """The partial derivative by each argument."""
        raise NotImplementedError


class Composed(Stated):
    """A node that is made of other words, whose derivative is stated all the same."""

    def formula(self) -> sp.Expr:
        """The same in other words."""
        raise NotImplementedError


class Deviation(Composed):
    """How far vectors v lie from their common mean m: √(mean (v - m)² + ε), one number for each
    sequence. Its arguments are m, ε and the vectors.

    Its derivative is not derived through the words that it is made of: by v it is the standardised
    (v - m)/y over the number of entries, for the output y, and by the mean it is zero, since the
    entries of v - m add up to nothing.
    """

    called = "sigma"
    drawn = "deviation"

    def axes(self) -> Axes:
        mean, _, *vectors = self.args
        shapes = {axes_of(vector) for vector in vectors}
        if len(shapes) != 1 or len(own(*shapes)) != 1 or own(axes_of(mean)) != ():
            raise CellError(
                "only vectors of one length can be standardised together, not "
                + " and ".join(f"{describe(v)} {shape(axes_of(v))}" for v in vectors)
            )
        return heads(*shapes)

    def formula(self) -> sp.Expr:
        mean, epsilon, *vectors = self.args
        squares = sp.Add(*((vector - mean) ** 2 for vector in vectors))
        return sqrt(FeatureSum(squares) / self.count() + epsilon)

    def count(self) -> sp.Expr:
        """How many entries there are."""
        _, _, first, *others = self.args
        return (1 + len(others)) * Size(*own(axes_of(first)))

    def slopes(self, y: sp.Expr) -> tuple[sp.Expr, ...]:
        mean, _, *vectors = self.args
        return (sp.S.Zero, sp.S.Zero, *((v - mean) / y / self.count() for v in vectors))
