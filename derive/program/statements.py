"""What a routine is made of, in no language: what is done, to what, in which order.

A statement writes its `outs`, and with `adds` it adds to what is there already. Elementwise work,
a reduction and a product are statements of different kinds, since they are loops of different
shapes. Quantities that lie side by side in a stack may be read or written as one; `groups` says
which ones a statement takes as one, so that a backend can name them before it prints a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from derive.nodes import Axes, MatVec, Outer, Quantity, symbols_of

Group = tuple[Quantity, ...]  # quantities side by side in memory, or one by itself


@dataclass(frozen=True)
class Statement:
    """One thing to do: `outs` are written, or added to."""

    outs: Group
    adds: bool = field(default=False, kw_only=True)  # decided when statements are put in order

    @property
    def kind(self) -> str:
        """The kind of statement, by which a template chooses how to write it."""
        return type(self).__name__

    @property
    def groups(self) -> tuple[Group, ...]:
        """What it reads, in groups that it takes as one."""
        return ()

    @property
    def written(self) -> tuple[Group, ...]:
        """What it writes, in groups that it takes as one."""
        return (self.outs,)

    @property
    def reads(self) -> frozenset[Quantity]:
        """The quantities that it reads, parameters of products apart."""
        return frozenset(q for group in self.groups for q in group)


@dataclass(frozen=True)
class Product(Statement):
    """outs = stacked(matrices) @ operand, for all of `outs` in one product."""

    matrices: Group
    operand: Quantity

    @property
    def groups(self):
        return ((self.operand,),)


@dataclass(frozen=True)
class PullBack(Statement):
    """out = stacked(matrices)ᵀ @ stacked(operands), the sum over all of them in one product."""

    matrices: Group
    operands: Group

    @property
    def groups(self):
        return (self.operands,)


@dataclass(frozen=True)
class OuterTotal(Statement):
    """outs = Σ over steps and sequences of stacked(lefts) ⊗ right: the gradient of stacked
    matrices."""

    lefts: Group
    right: Quantity

    @property
    def groups(self):
        return (self.lefts, (self.right,))


@dataclass(frozen=True)
class HeadTotal(Statement):
    """out = Σ over steps and sequences of left ⊗ right, for each head apart: the gradient of a
    matrix for each head, where both of the vectors are a head's own."""

    left: Quantity
    right: Quantity

    @property
    def product(self) -> Outer:
        """The product of one step of one sequence."""
        return Outer(self.left, self.right)

    @property
    def groups(self):
        return ((self.left,), (self.right,))


@dataclass(frozen=True)
class Contraction(Statement):
    """out = matrix @ vector, or its transpose @ vector, for each sequence or head with a matrix of
    its own."""

    product: MatVec

    @property
    def groups(self):
        matrix, vector = self.product.args
        return (tuple(symbols_of(matrix)), (vector,))


@dataclass(frozen=True)
class Pointwise(Statement):
    """What reads an elementwise expression.

    Several `outs` are side by side and of one form: `expr` is the first one's, and of each group in
    `beside` it reads the first, the other outs the others.
    """

    expr: sp.Expr
    beside: tuple[Group, ...] = ()

    @property
    def groups(self):
        return tuple(map(self.group_of, sorted(symbols_of(self.expr), key=str)))

    def group_of(self, q: Quantity) -> Group:
        """What a quantity in `expr`, or the first of `outs`, stands for: all that lies side by side
        there, or itself."""
        return next((group for group in (self.outs, *self.beside) if group[0] == q), (q,))


@dataclass(frozen=True)
class Compute(Pointwise):
    """outs = expr."""


@dataclass(frozen=True)
class Total(Pointwise):
    """outs = Σ over steps and sequences of expr: the gradient of parameter vectors."""


@dataclass(frozen=True)
class Sum(Pointwise):
    """out = Σ over the features of expr, whose values, `terms` side by side, have no place."""

    terms: Group = ()


@dataclass(frozen=True)
class Bias(Statement):
    """outs = Σ stacked(vectors), the same for every step and sequence: what is constant is summed
    first, and added once."""

    vectors: tuple[Group, ...]


@dataclass(frozen=True)
class Reduce(Statement):
    """out = Σ over the features of all the vectors, which lie side by side; of a matrix, over some
    of its axes."""

    vectors: Group
    over: Axes

    @property
    def groups(self):
        return (self.vectors,)


@dataclass(frozen=True)
class Peak(Statement):
    """out = the largest entry of a vector."""

    vectors: Group

    @property
    def groups(self):
        return (self.vectors,)


@dataclass(frozen=True)
class Activate(Statement):
    """outs = functions(arguments), each in the place of its argument, all side by side."""

    arguments: Group
    functions: tuple[str, ...]

    @property
    def groups(self):
        return (self.arguments,)


@dataclass(frozen=True)
class Standardise(Statement):
    """outs = the vectors, which lie side by side, with mean 0 and variance 1 over all their
    entries; behind them, where it is wanted, what they are divided by."""

    vectors: Group
    epsilon: sp.Expr

    @property
    def groups(self):
        return (self.vectors,)

    @property
    def written(self):
        count = len(self.vectors)
        return tuple(filter(None, (self.outs[:count], self.outs[count:])))


@dataclass(frozen=True)
class StandardiseSlope(Statement):
    """outs = (d - mean(d) - y mean(d y)) / sigma, for vectors d and y side by side: the derivative
    of standardising."""

    moved: Group
    standardised: Group
    sigma: Quantity

    @property
    def groups(self):
        return (self.moved, self.standardised, (self.sigma,))


@dataclass(frozen=True)
class Copy(Statement):
    """out = source, where what one step hands to the next has a place of its own."""

    source: Quantity

    @property
    def groups(self):
        return ((self.source,),)


# What needs all entries of what it reads for each entry that it writes.
PRODUCTS = (Product, PullBack, Contraction)
# The gradients of parameters.
TOTALS = (OuterTotal, HeadTotal, Total)


@dataclass(frozen=True)
class Fused(Statement):
    """One nest of loops over the axes, with `body` as its inside.

    What is in `local` lives for one entry only, and has no place in memory.
    """

    axes: Axes
    body: tuple[Compute, ...]
    local: frozenset[Quantity]

    @property
    def groups(self):
        """What its body reads that it does not define."""
        own = {q for s in self.body if not s.adds for q in s.outs}
        return tuple(g for s in self.body for g in s.groups if not own.issuperset(g))
