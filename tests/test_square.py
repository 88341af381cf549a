"""Matrices whose rows and columns have one axis, and products with sums and products of matrices.

That all targets compute the same of them is tested where the targets are, on the cells `Squares`
and `Shared` of `written_cells`.
"""

from __future__ import annotations

import numpy as np
import pytest
import reference
import sympy as sp
from some_cells import first
from written_cells import Shared, Squares

from derive import language
from derive.compiler import generate
from derive.display.diagram.graph import graph
from derive.language import Cell, Heads, I, Input, Matrix, State, Vector, each, outer, sum, tanh
from derive.library import load
from derive.nodes import Axis, CellError, FeatureSum, H, MatVec, Outer, Quantity, Size, axes_of
from derive.proof import check

D, N = Axis("D", "head_size"), Heads()
F, G = Quantity("F", (H, H)), Quantity("G", (H, H))
u, v, r = Quantity("u", (H,)), Quantity("v", (H,)), Quantity("r")


@pytest.mark.parametrize("cell", first(1, [Squares, Shared]), ids=lambda cell: cell.title)
def test_the_proof(cell):
    assert [row.name for row in check(cell) if not row.ok] == ["peer"]


class Masked(Cell):
    """Weights of which a mask leaves some out, in the loop and before it."""

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
    M = Matrix(H, H, trained=False, at=lambda i, j: language.where(i > j, 1, 0))
    Q = Matrix(H, I, trained=False, at=lambda i, j: language.where(i > j, 2, 0.5))

    h_next = tanh((Q * W) @ x + (M * U) @ h + b)


@pytest.mark.parametrize("target", ["numpy", "c", "javascript"])
@pytest.mark.parametrize("store", ["all", "states"])
def test_a_mask_is_multiplied_with_weights_once(target, store):
    """There is no matrix of each step, nor of each sequence; not of the gradients, either."""
    text = "".join(generate(Masked, target, store).values())
    for large in ("B, H, H)", "B, H, I)", "B * H * H", "B * H * I", "H * H * row", "H * I * row"):
        assert large not in text, large


def test_a_mask_s_gradient_is_that_of_the_plain_cell_times_the_mask():
    class Plain(Cell):
        """The same with one matrix in the place of two."""

        x = Input()
        h = State()
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

        h_next = tanh(W @ x + U @ h + b)

    rng, (masked, plain) = np.random.default_rng(0), map(reference.module_of, (Masked, Plain))
    params, other = masked.Params(3, 4), plain.Params(3, 4)
    params.flat = rng.normal(size=params.flat.size)
    for name, mask in (("W", "Q"), ("U", "M")):
        other[name][...] = params[name] * params[mask]
    other["b"][...] = params["b"]
    xs, dys = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 2, 4))
    ys, _, tape = masked.forward(params, xs)
    wanted, _, other_tape = plain.forward(other, xs)
    np.testing.assert_allclose(ys, wanted, rtol=1e-13)
    found, dxs, _ = masked.backward(params, tape, dys)
    own, other_dxs, _ = plain.backward(other, other_tape, dys)
    np.testing.assert_allclose(dxs, other_dxs, rtol=1e-11)
    np.testing.assert_allclose(found["U"], own["U"] * params["M"], rtol=1e-11)
    np.testing.assert_allclose(found["W"], own["W"] * params["Q"], rtol=1e-11)
    assert not found["M"].any() and not found["Q"].any()


def test_the_clockwork_network_step_by_step():
    """Units are in modules of one size, the n-th of which has its turn where 2^(n-1) divides t, and
    reads itself and slower ones."""
    module, rng = reference.module_of(load("clockwork_rnn")), np.random.default_rng(0)
    params = module.init(rng, input_size=3, hidden_size=8)
    params["U"][...] = rng.normal(size=(8, 8))
    xs = rng.normal(size=(9, 2, 3))
    h, wanted = np.zeros((2, 8)), []
    for t, x in enumerate(xs, start=1):
        old = h.copy()
        for n in range(4):
            rows = slice(2 * n, 2 * n + 2)
            if t % 2**n == 0:
                h[:, rows] = np.tanh(
                    x @ params["W"][rows].T + old[:, 2 * n :] @ params["U"][rows, 2 * n :].T
                )
        wanted.append(h.copy())
    np.testing.assert_allclose(module.forward(params, xs)[0], wanted, rtol=1e-12)


def test_axes():
    assert axes_of(r * F + F * G - outer(u, v)) == (H, H)
    assert axes_of(sum(F * r, H, H)) == ()
    assert axes_of(Quantity("n", (N,)) * Quantity("S", (N, D, D))) == (N, D, D)
    for wrong in (u * F, outer(u, v) + v, F + Quantity("x", (I,))):
        with pytest.raises(CellError, match="do not fit together"):
            axes_of(wrong)


def test_sums_over_both_axes_count_both():
    """Of sum(F + r) each entry has the derivative 1, and r that of as many entries as there are."""
    whole = sum(F + r, H, H)
    assert dict(whole.adjoint(sp.S.One)) == {F: 1, r: Size(H) ** 2}
    assert language.mean(F, H, H) == FeatureSum(F, Size(H), Size(H)) / Size(H) ** 2
    value = np.arange(9.0).reshape(1, 3, 3)
    assert FeatureSum(F, Size(H), Size(H)).value(value, *[np.array([3.0])] * 2) == [36]


def test_what_stands_on_the_left_of_a_product():
    class Sides(Cell):
        """Every matrix that a person may write there."""

        x = Input(H)
        h = State()
        U, V, b = Matrix(H, H), Matrix(H, H), Vector(H)

        a = (U - V.T / 2) @ h
        c = -U @ tanh(x) + 2 * V @ b
        h_next = a + outer(h, x) @ c + (U * V) @ x

    rhs = {e.lhs.name: e.rhs for e in Sides.equations}
    U, V, h = (Quantity(n, a) for n, a in (("U", (H, H)), ("V", (H, H)), ("h", (H,))))
    assert rhs["a"] == MatVec(U, h) - MatVec(V.T, h) / 2
    assert {p.args[0] for p in rhs["h_next"].atoms(MatVec)} == {
        Outer(h, Quantity("x", (H,))),
        U * V,
    }
    assert [row.name for row in check(Sides) if not row.ok] == ["peer"]


def test_an_outer_product_of_a_vector_with_itself_has_one_line():
    nodes = graph(load("fast_weights")).nodes.values()
    assert all(len(set(node.operands)) == len(node.operands) for node in nodes)


def test_rounds_of_normalised_vectors_are_numbered_once():
    cell = load("fast_weights:rounds=2")
    names = [e.lhs.name for e in cell.equations]
    assert "mu_u_2" in names and "sigma_u_1" in names and not [n for n in names if "_1_1" in n]


def test_the_number_of_a_round_needs_no_name():
    class Rounds(Cell):
        """The same three times."""

        x = Input(H)
        h = State()

        y = h
        for _ in each(3):
            y = tanh(y + x)
        h_next = y

    assert [e.lhs.name for e in Rounds.equations] == ["y", "y_1", "y_2", "y_3", "h_next"]
