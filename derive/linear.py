"""What a matrix is multiplied with goes to the vectors beside it.

A product with a matrix, and an outer product, are linear in each of their parts: ``outer(k, v)``
times a is ``outer(a * k, v)``, and ``(f * C) @ q`` is ``f * (C @ q)`` for an f along the rows of C.
The two sides are equal, but the right one works on vectors where the left one works on matrices.
"""

from __future__ import annotations

import sympy as sp

from derive.nodes import MatVec, Outer, Transposed, axes_of, is_part


def by_vectors(expr: sp.Expr) -> sp.Expr:
    """The expression, where vectors and numbers are multiplied with vectors as far as they can
    be."""
    if not expr.has(MatVec, Outer):
        return expr
    expr = expr.func(*map(by_vectors, expr.args))
    if isinstance(expr, sp.Mul):
        return _into_outer(expr)
    return _out_of_matrix(expr) if isinstance(expr, MatVec) else expr


def _into_outer(product: sp.Mul) -> sp.Expr:
    """A product with an outer product: its numbers and vectors, but for the sign, go to the sides
    of that."""
    found = next((factor for factor in product.args if isinstance(factor, Outer)), None)
    if found is None:
        return product
    left, right = found.args
    others = [factor for factor in product.args if factor not in (found, -1)]
    to_left = [f for f in others if is_part(axes_of(f), axes_of(left))]
    to_right = [f for f in others if f not in to_left and is_part(axes_of(f), axes_of(right))]
    inside = Outer(sp.Mul(left, *to_left), sp.Mul(right, *to_right))
    rest = (f for f in product.args if f not in (found, *to_left, *to_right))
    return sp.Mul(*rest, inside)


def _out_of_matrix(product: MatVec) -> sp.Expr:
    """A product with a matrix that is a product itself: numbers, and vectors along its rows, go
    outside, and vectors along its columns to the vector."""
    matrix, vector = product.args
    is_transposed = isinstance(matrix, Transposed)
    factors = sp.Mul.make_args(matrix.args[0] if is_transposed else matrix)
    outside = [f for f in factors if is_part(axes_of(f), product.axes())]
    beside = [f for f in factors if f not in outside and is_part(axes_of(f), axes_of(vector))]
    bare = sp.Mul(*(f for f in factors if f not in (*outside, *beside)))
    bare = Transposed(bare) if is_transposed else bare
    return sp.Mul(*outside, MatVec(bare, sp.Mul(vector, *beside)))
