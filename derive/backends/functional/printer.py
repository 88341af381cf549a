"""Expressions on whole arrays, as libraries write them that have NumPy's notation and `einsum`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from string import ascii_lowercase
from typing import ClassVar, Self

import sympy as sp

from derive.backends.numpy.printer import stretched
from derive.backends.printer import PlacedPrinter, places_text
from derive.elementwise import Elementwise
from derive.nodes import Axes, Axis, MatVec, Outer, Quantity, Transposed, axes_of, symbols_of
from derive.printing import ATOM


class FunctionalPrinter(PlacedPrinter):
    """Prints expressions on the arrays that `place` names, each seen so that it fits one of `axes`.
    A number has an axis of length 1, unless it stands beside a matrix.

    library  what the library is called
    calls    what functions are called that it has; others are helpers in the generated module,
             named with an underscore
    maximum  its method for the largest entries

    fixed    what has neither steps nor sequences
    letters  a letter for each axis, for sums over what two arrays have in common
    """

    library: ClassVar[str]
    calls: ClassVar[Mapping[str, str]]
    maximum: ClassVar[str] = "max"

    axes: Axes = ()
    leading = "..."  # steps and sequences, in such a sum

    def __init__(
        self,
        rank: Mapping[str, int],
        place: Callable[[Quantity], str],
        size: Callable[[Axis], str],
        fixed: frozenset[Quantity],
        letters: Mapping[Axis, str],
    ):
        super().__init__(rank, place, size)
        self.fixed, self.letters = fixed, letters

    def seen(self, axes: Axes, leading: str = "...") -> Self:
        """The same printer, for what fits these axes."""
        made = copy(self)
        made.axes, made.leading = axes, leading
        return made

    def symbol(self, symbol):
        text = super().symbol(symbol)
        return stretched(text, symbol.axes, self.axes) if isinstance(symbol, Quantity) else text

    def function(self, expr):
        name = expr.func.__name__
        return f"{self.calls.get(name, f'_{name}')}({', '.join(self.arguments(expr))})"

    def arguments(self, expr: Elementwise) -> list[str]:
        """What a function is given."""
        return list(map(self, expr.args))

    def dispatch(self, expr):
        text, binding = super().dispatch(expr)
        if isinstance(expr, MatVec) and len(self.axes) > 1 and axes_of(expr) != self.axes:
            return stretched(f"({text})", axes_of(expr), self.axes), ATOM
        return text, binding

    # products

    def matvec(self, matrix, vector):
        base = _base(matrix)
        if not self.is_shared(base):
            return self.einsum(MatVec(matrix, vector))
        return f"{self.place(vector)} @ {self.place(base)}{'.T' * (base is matrix)}"

    def is_shared(self, matrix: Quantity) -> bool:
        """Whether a matrix is one for all steps, sequences and heads."""
        return matrix in self.fixed and len(matrix.axes) == 2

    def outer(self, left, right):
        node = Outer(left, right)
        is_named = left.axes[-1] != right.axes[-1] and set(node.axes()) <= set(self.axes)
        if is_named:
            return super().outer(left, right)
        within = self.axes if len(self.axes) > len(node.axes()) else node.axes()
        return stretched(self.einsum(node), node.axes(), within)

    def einsum(self, node: MatVec | Outer, along: Axes = ()) -> str:
        """A product as a sum over what its operands have in common, and over the axes `along`."""
        first, second, result = self.subscripts(node, along)
        operands = _base(node.args[0]), node.args[1]
        moving = [self.leading * (q not in self.fixed) for q in operands]
        lead = "..." if "..." in moving else ""
        words = f"{moving[0]}{first},{moving[1]}{second}->{lead}{result}"
        return f'{self.library}.einsum("{words}", {", ".join(map(self.place, operands))})'

    def subscripts(self, node: MatVec | Outer, along: Axes) -> tuple[str, str, str]:
        """The letters of both operands and of the result. Of two axes of one name, as the rows and
        columns of a square matrix, the second has a capital letter."""
        first, second = node.args
        base, inner = _base(first), self.letters[second.axes[-1]]
        if isinstance(node, Outer):
            left, kept = self.named(base.axes), self.named(base.axes[-1:])
            inner = inner.upper() if inner == kept else inner
            ends = kept + inner
        else:
            ends = self.named(node.axes()[-1:])
            inner = inner.upper() if inner == ends else inner
            pair = ends + inner if base is first else inner + ends
            left = self.named(base.axes[:-2]) + pair
        shared = (axis for axis in node.axes()[: -len(ends)] if axis not in along)
        return left, self.named(second.axes[:-1]) + inner, self.named(shared) + ends

    def named(self, axes: Iterable[Axis]) -> str:
        """The letters of axes."""
        return "".join(self.letters[axis] for axis in axes)

    # sums

    def feature_sum(self, whole, *sizes):
        axes = axes_of(whole)
        along = tuple(size.axis for size in sizes) or axes[-1:]
        left = tuple(axis for axis in axes if axis not in along)
        if self.is_summed_at_once(whole, along):
            return stretched(self.einsum(whole, along), left, self.axes)
        over = places_text(axes, along)
        return self.reduced(f"{self.seen(axes).print(whole, ATOM)}.sum({over})", left)

    def is_summed_at_once(self, whole: sp.Expr, along: Axes) -> bool:
        """Whether a product is summed over heads that both of its operands have."""
        is_product = isinstance(whole, MatVec) and not self.is_shared(_base(whole.args[0]))
        return is_product and set(along) <= set(whole.among())

    def largest(self, vector):
        return self.reduced(f"{self.place(vector)}.{self.maximum}(-1)", axes_of(vector)[:-1])

    def reduced(self, text: str, left: Axes) -> str:
        """What a reduction has left."""
        return stretched(text if left else f"{text}[..., None]", left, self.axes)

    def total(self, expr: sp.Expr, axes: Axes) -> str:
        """The sum of an expression over all steps and sequences."""
        outer = [term for term in sp.Add.make_args(expr) if self.is_product_of_all(term)]
        rest = expr - sp.Add(*outer)
        texts = [self.seen((), "tb")(sp.Add(*outer))] if outer else []
        if rest != 0:
            over = "(0, 1)" if axes else ""
            texts.append(f"{self.seen(axes).print(rest, ATOM)}.sum({over})")
        return self.plus.join(texts)

    def is_product_of_all(self, term: sp.Expr) -> bool:
        """Whether a term is an outer product times what is the same at every step, so that its sum
        over all steps and sequences is one product."""
        nodes = term.atoms(Outer)
        others = symbols_of(term.xreplace(dict.fromkeys(nodes, sp.S.One)))
        return bool(nodes) and others <= self.fixed


def _base(matrix: sp.Expr) -> Quantity:
    """A matrix, or the one that it is the transpose of."""
    return matrix.args[0] if isinstance(matrix, Transposed) else matrix


def letters(axes: Iterable[Axis]) -> dict[Axis, str]:
    """A small letter for each axis, its own where it can be; t and b are steps and sequences."""
    found: dict[Axis, str] = {}
    for axis in axes:
        free = [x for x in ascii_lowercase if x not in {"t", "b", *found.values()}]
        found[axis] = axis.letter.lower() if axis.letter.lower() in free else free[0]
    return found
