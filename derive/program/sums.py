"""Sums over features together with what they sum up, as one statement.

A sum of squares, or of a product, needs no array for its terms where a language has one call for
it. Which sums these are follows from the statements of a phase, before they are put in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import sympy as sp

from derive.nodes import Quantity, axes_of, symbols_of
from derive.program.loop import Loop
from derive.program.statements import Compute, Group, Reduce, Statement, Sum
from derive.program.storage import Storage


def sums_whole(statements: list[Statement], loop: Loop, storage: Storage) -> list[Statement]:
    """The statements, with each sum whose terms nobody else reads in one with these."""
    writers = Counter(q for s in statements for q in s.outs)
    terms: dict[Group, Compute] = {
        s.outs: s for s in statements if isinstance(s, Compute) and writers[s.outs[0]] == 1
    }
    merged: dict[int, Sum] = {}
    gone: set[int] = set()
    for s in statements:
        if isinstance(s, Reduce) and writers[s.outs[0]] == 1 and s.vectors in terms:
            of = terms[s.vectors]
            if _are_vectors(of) and _are_private(of.outs, loop, storage):
                merged[id(s)] = Sum(s.outs, of.expr, of.beside, of.outs)
                gone.add(id(of))
    return [merged.get(id(s), s) for s in statements if id(s) not in gone]


def _are_vectors(terms: Compute) -> bool:
    """Whether terms have features, and their expression as many."""
    (q, *_) = terms.outs
    return len(q.axes) == 1 and axes_of(terms.expr) == q.axes


def _are_private(terms: Group, loop: Loop, storage: Storage) -> bool:
    """Whether nothing but their sum reads the terms, and nothing else lies where they do."""
    shared = {*storage.home, *storage.home.values(), *storage.constants, *loop.ends}
    return all(loop.readers[q] == 1 and q not in shared for q in terms)


def factors(expr: sp.Expr) -> tuple[sp.Expr, ...]:
    """The two vectors whose product an expression is; none where it is no product of two."""
    if isinstance(expr, sp.Pow) and expr.exp == 2:
        return (expr.base, expr.base)
    is_product = isinstance(expr, sp.Mul) and len(expr.args) == 2
    return expr.args if is_product and all(_is_vector(f, expr) for f in expr.args) else ()


def _is_vector(factor: sp.Expr, product: sp.Expr) -> bool:
    return isinstance(factor, Quantity) and factor.axes == axes_of(product)


def nested(
    statements: Iterable[Statement], may_nest: Callable[[Quantity], bool]
) -> Iterator[tuple[Statement, tuple[Sum | Reduce, ...]]]:
    """Each statement with the sums right before it that may stand within its expression."""
    waiting: list[Sum | Reduce] = []
    for s in statements:
        if isinstance(s, Sum | Reduce) and not s.adds and may_nest(s.outs[0]):
            waiting.append(s)
            continue
        inside = tuple(w for w in waiting if isinstance(s, Compute) and _fits(w, s))
        yield from ((w, ()) for w in waiting if w not in inside)
        yield s, inside
        waiting = []
    yield from ((w, ()) for w in waiting)


def _fits(inner: Sum | Reduce, outer: Compute) -> bool:
    """Whether a sum over a vector occurs just once in an expression, which is short, and reads
    nothing under the name of the sum's own vectors."""
    (q,) = inner.outs
    times = sum(part == q for part in sp.preorder_traversal(outer.expr))
    if sum(bool(symbols_of(term)) for term in sp.Add.make_args(outer.expr)) > 1:
        return False
    apart = not {g[0] for g in inner.groups} & {g[0] for g in outer.groups}
    is_vector = isinstance(inner, Sum) or len(inner.vectors[0].axes) == 1
    return times == 1 and apart and is_vector


def unnamed(statements: Iterable[Statement]) -> frozenset[Quantity]:
    """The terms of sums, which have no array."""
    return frozenset(q for s in statements if isinstance(s, Sum) for q in s.terms)
