"""Memories of matrices that once came out wrong, or did not come out, made as small as they go. New
ones are drawn with the other random cells: `random_memories`."""

from __future__ import annotations

import textwrap

import pytest
from compiled import quickly
from random_memories import K, N, V
from test_cells_compiled import wrong
from test_cells_random import check
from test_names import body

from derive.nodes import Axis, Heads, Quantity, axes_of

FOUND = {
    "what a row receives beside what a column receives, in a memory": """
        S = State(K, V)
        W, P = Matrix(V, I), Matrix(V, K)
        p = (W.p @ x) * sum(S, K)
        q = sum(S, V)
        S_next = S
        y = Output(p + P.y @ q)
    """,
    "what a row receives beside what a column receives, and nothing else": """
        h = State(V)
        W, P, R = Matrix(V, I), Matrix(V, K), Matrix(K, I)
        r = tanh(R.r @ x)
        A = outer(r, h)
        p = (W.p @ x) * sum(A, K)
        q = sum(A, V)
        h_next = tanh(p + P.h @ q)
    """,
    "the sum along a row, weighed along it": """
        h = State(V)
        W, P, R = Matrix(V, I), Matrix(V, K), Matrix(K, I)
        r = tanh(R.r @ x)
        A = outer(r, h)
        p = (W.p @ x) * sum(A, K)
        q = sum(h * A, V)
        h_next = tanh(p + P.h @ q)
    """,
    "sums of each head, weighed along rows and columns": """
        h, S = State(N, V), State(N, K, V)
        W, P, R, s = Matrix(N, V, I), Matrix(N, V, K), Matrix(K, I), Vector(N)
        r = tanh(R.r @ x)
        p = (W.p @ x) * sum(S * r + h * S, K)
        q = sum(s.q * h * S * r, V)
        S_next = tanh(S + outer(q, h))
        h_next = Output(tanh(p + P.h @ q))
    """,
    "what a parameter for all heads receives through a quotient": """
        h = State(N, K)
        W, b, s = Matrix(N, K, I), Vector(K), Vector(N)
        q = sum(b.q) / (s.q**2 + 1)
        h_next = tanh(W.h @ x + h * q)
    """,
    "rows and columns scaled by parameters, one of them a sum": """
        S = State(K, V)
        W, a, b = Matrix(K, I), Vector(K, names="p q"), Vector(V)
        S_next = tanh(S * b.S * (a.p + a.q))
        y = Output(W @ x)
    """,
    "a memory scaled along its rows, and along its columns, in one sum": """
        S, M = State(K, V), State(K, V)
        W, a, b = Matrix(K, I), Vector(K), Vector(V)
        S_next = tanh(M + S)
        M_next = S_next * b.M + S_next * a.M
        y = Output(W @ x)
    """,
    "what a parameter for all heads receives through a matrix of parameters": """
        h = State(N, K)
        W, b, c, g = Matrix(N, K, I), Vector(N, K), Vector(N, V), Vector(V)
        A = tanh(outer(b.A, c.A))
        q = A @ g.q
        h_next = tanh(h + W.h @ x)
        y = Output(sum(A * h, K) + sum(A * q, K))
    """,
    "a sum over a vector, in every entry of a memory": """
        S, M, z = State(K, V), State(K, V), State(K)
        W, b = Matrix(K, I), Vector(V)
        s = Scalar()
        v = s.v * (S @ b.v)
        S_next = S / (1 + M**2)
        M_next = tanh(S_next**2 * sum(v))
        z_next = Output(tanh(z + W.z @ x))
    """,
}


def found(what):
    """One of these cells."""
    lines = textwrap.dedent(FOUND[what]).strip().splitlines()
    return body(["x = Input()", *lines], K=K, N=N, V=V)


@pytest.mark.parametrize("what", FOUND)
def test_what_went_wrong_once_is_right(what):
    check(found(what))


@pytest.mark.compiler
def test_what_went_wrong_once_is_compiled_right():
    cells = list(map(found, FOUND))
    for what, cell, m in zip(FOUND, cells, quickly(cells, dtypes=["float64"]), strict=True):
        assert not wrong(cell, m), what


def test_an_axis_of_heads_is_another_than_one_that_is_none():
    """Also where two cells in one process give them one letter and one argument."""
    for axis in (Axis("K", "size_of_k"), Heads("K", "size_of_k")):
        S = Quantity("S", (axis, V))
        assert axes_of(S)[0].heads == axis.heads
        assert axes_of(S * Quantity("a", (axis,)))[0].heads == axis.heads
