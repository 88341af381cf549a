"""What the equations of a phase say of means, under whatever names they say it."""

from __future__ import annotations

import sympy as sp

from derive.cell import Equation
from derive.nodes import FeatureSum, Quantity, count, own
from derive.program.alike import Rows
from derive.program.loop import Loop
from derive.program.statements import Group


class Phase:
    """The equations of one phase, as a rule rewrites them.

    rows     where quantities lie that are side by side
    taken    every name in use
    fixed    what is the same at every step: it has no array of its own that a call could fill
    meaning  for each quantity of the loop, what it is defined as
    groups   new quantities that are to lie side by side
    """

    def __init__(
        self,
        loop: Loop,
        equations: tuple[Equation, ...],
        rows: Rows,
        taken: set[str],
        fixed: frozenset[Quantity],
    ):
        self.loop, self.rows, self.taken, self.fixed = loop, rows, taken, fixed
        self.meaning = {e.lhs: e.rhs for e in loop.equations}
        self.equations = list(equations)
        self.groups: list[Group] = []

    def unfolded(self, expr: sp.Expr) -> sp.Expr:
        """What a name stands for, or the expression itself."""
        return self.meaning.get(expr, expr) if isinstance(expr, Quantity) else expr

    def mean(self, expr: sp.Expr) -> tuple[sp.Expr, int]:
        """What a number is the mean of, over the entries of so many vectors; of none where it is
        no mean."""
        factors = [self.unfolded(f) for f in sp.Mul.make_args(self.unfolded(expr))]
        sums = [f for f in factors if isinstance(f, FeatureSum) and len(f.args) == 1]
        if len(sums) != 1 or not isinstance(total := sums[0].args[0], Quantity):
            return sp.S.Zero, 0
        entries = sums[0] / sp.Mul(*factors) / count(own(total.axes))
        return (total, int(entries)) if entries.is_Integer and entries > 0 else (sp.S.Zero, 0)

    def vectors(self, expr: sp.Expr) -> frozenset[Quantity]:
        """The vectors that a number is the mean of; none where it is no mean of vectors."""
        total, entries = self.mean(expr)
        terms = sp.Add.make_args(total if entries == 1 else self.unfolded(total))
        is_mean = len(terms) == entries and all(isinstance(t, Quantity) for t in terms)
        return frozenset(terms) if is_mean else frozenset()

    def row(self, quantities: frozenset[Quantity]) -> Group:
        """The quantities as they lie side by side; empty where they do not."""
        first = next(iter(quantities))
        group, _ = self.rows.of.get(first, ((), 0))
        if len(quantities) == 1:
            return (first,)
        return group if set(group) == quantities else ()

    def are_beside(self, group: Group) -> bool:
        """Whether quantities lie side by side in this order; one by itself does."""
        return len(group) == 1 or self.rows.of.get(group[0], ((), 0))[0] == group
