"""The calculus by itself, on equations made by hand: the language refuses some of them today.

Each equation is put into normal form, and the adjoints that its parts receive are compared with
SymPy's derivative of the whole, as rational functions of scalars.
"""

from __future__ import annotations

import pytest
import sympy as sp
from normed_cells import NORMED, Normalised

from derive.adjoint import adjoint, gathered, partials, pull_back
from derive.cell import Equation
from derive.deviation import Deviation
from derive.elementwise import maximum, tanh
from derive.exact.rational import PRIME, Points
from derive.exact.scalars import dot as dot_of
from derive.exact.scalars import evaluate, evaluate_as, symbols
from derive.language import standardise
from derive.library import load
from derive.nodes import (
    Axis,
    CellError,
    FeatureSum,
    H,
    MatVec,
    Outer,
    Quantity,
    Size,
    Transposed,
)
from derive.normal import normalise
from derive.proof import check
from derive.proof.identity import prove
from derive.tangent import dotted, push_forward, tangent

K = Axis("K", "key_size")
f, C = Quantity("f", (H, K)), Quantity("C", (H, K))
s, i, v, k, q = (Quantity(*p) for p in (("s",), ("i", (H,)), ("v", (H,)), ("k", (K,)), ("q", (K,))))
matrix, vector = Quantity("C_next", (H, K)), Quantity("h_next", (H,))

EQUATIONS = [
    Equation(vector, MatVec(f * C, q)),
    Equation(vector, i * MatVec(f * C, q * k) - 2 * MatVec(C, q)),
    Equation(Quantity("r", (K,)), MatVec(Transposed(f * C), i * v) + q),
    Equation(matrix, f * C + Outer(i * v, k)),
    Equation(matrix, C + f * Outer(v, k**2 * q) + Transposed(Outer(k, v))),
    Equation(vector, MatVec(Outer(i * v, k + q), q)),
    Equation(vector, s * v + FeatureSum(k * q) / Size(K) * i),
    Equation(vector, FeatureSum(k * q + s) * i),  # s once for every feature
    Equation(vector, FeatureSum(k * s + s**2 + FeatureSum(q) + 1) * i),
]


def chain(equations):
    """The derivatives of Σ bar · (the last equation's left-hand side) by everything it reads."""
    last = equations[-1].lhs
    bar = {e.lhs: Quantity(f"d{e.lhs}", e.lhs.axes) for e in equations}
    received = {e.lhs: [] for e in equations} | {last: [bar[last]]}
    rows = []
    for e in reversed(equations):
        rows.append(Equation(bar[e.lhs], gathered(e.lhs, received[e.lhs])))
        for target, share in pull_back(e, bar[e.lhs]):
            received.setdefault(target, []).append(share)
    del rows[0]
    return rows, {t: gathered(t, r) for t, r in received.items() if t not in bar}, bar[last]


@pytest.mark.parametrize("equation", EQUATIONS, ids=str)
def test_every_part_of_an_equation_receives_its_derivative(equation):
    leaves = sorted(equation.rhs.atoms(Quantity), key=str)
    equations = normalise([equation], {q.name for q in (*leaves, equation.lhs)})
    rows, gradients, bar = chain(equations)
    assert gradients.keys() == set(leaves)

    values = {q: symbols(q.name, q.axes) for q in (*leaves, bar)}
    loss = dot_of(values[bar], evaluate(equation.rhs, values))
    for e in (*equations, *rows):
        values[e.lhs] = evaluate_as(e.lhs.axes, e.rhs, values)
    for leaf, gradient in gradients.items():
        derived = evaluate_as(leaf.axes, gradient, values).flat
        right = Points().gradient(loss, list(values[leaf].flat)).T
        for one, want in zip(derived, right, strict=True):
            assert (Points().values(one) == want).all(), f"{leaf}: {gradient}"


def moves(one, whole, directions):
    """Whether it is the derivative of a function along directions: pairs of symbol and tangent."""
    at = Points()
    slopes = at.gradient(whole, [symbol for symbol, _ in directions]).T
    tangents = (at.values(tangent) for _, tangent in directions)
    want = sum(slope * moved % PRIME for slope, moved in zip(slopes, tangents, strict=True))
    return (at.values(one) == want % PRIME).all()


@pytest.mark.parametrize("equation", EQUATIONS, ids=str)
def test_every_part_of_an_equation_moves_its_tangent(equation):
    leaves = sorted(equation.rhs.atoms(Quantity), key=str)
    taken = {q.name for q in (*leaves, equation.lhs)}
    equations = normalise([equation], taken)
    dot = dotted([*leaves, *(e.lhs for e in equations)], taken)
    values = {p: symbols(p.name, p.axes) for p in (*leaves, *(dot[leaf] for leaf in leaves))}
    whole = evaluate(equation.rhs, values).flat
    for e in (*equations, *tangent(equations, dot)):
        values[e.lhs] = evaluate(e.rhs, values)
    directions = [
        pair
        for leaf in leaves
        for pair in zip(values[leaf].flat, values[dot[leaf]].flat, strict=True)
    ]
    for one, value in zip(values[dot[equation.lhs]].flat, whole, strict=True):
        assert moves(one, value, directions)


@pytest.mark.parametrize("rhs", [
    MatVec(f * C, q), MatVec(C, q * k), f * C + Outer(i * v, k), FeatureSum(tanh(i) * v) * i,
    MatVec(Transposed(f * C), i), tanh(i * v),
], ids=str)  # fmt: skip
def test_a_derivative_that_has_nowhere_to_go_is_an_error(rhs):
    """What is not in normal form would lose a part of its gradient; it must not do so silently."""
    equation = Equation(Quantity("y", ()), rhs)
    with pytest.raises(CellError, match=r"equation `y`: the derivative by `.*` has nowhere to go"):
        list(pull_back(equation, Quantity("dy", ())))
    dot = dotted([f, C, i, v, k, q], set())
    with pytest.raises(CellError, match=r"equation `y`: the derivative by `.*` has nowhere to go"):
        push_forward(equation, dot)


def test_what_is_stretched_receives_from_every_entry():
    """A number from all of a matrix, a vector from its row, a factor of its own outside the sum."""
    assert gathered(s, [f * C]) == FeatureSum(f * C, Size(H), Size(K))
    assert gathered(i, [i * f * C]) == i * FeatureSum(f * C, Size(K))
    assert gathered(k, [s * i * C, k]) == s * FeatureSum(i * C, Size(H)) + k


def test_a_number_moves_a_sum_at_every_feature():
    """Also where nothing else in the sum moves."""
    dot = dotted([s], set())
    assert push_forward(Equation(Quantity("y"), FeatureSum(k + s)), dot) == Size(K) * dot[s]
    assert push_forward(Equation(Quantity("y"), FeatureSum(k * s)), dot) == FeatureSum(k * dot[s])


def test_a_vector_does_not_stand_for_the_number_that_its_entries_are():
    """`h_next` is tanh(s) in each of its entries, and `y` needs the number; so with a quotient."""
    first = [Equation(vector, tanh(s)), Equation(Quantity("y"), 2 * s * tanh(s))]
    names = {"s", "y", "h_next"}
    assert [str(e) for e in normalise(first, names)] == [
        "h_next = tanh(s)", "tanh_s = tanh(s)", "y = 2*s*tanh_s"
    ]  # fmt: skip
    t, r, y = map(Quantity, "try")
    quotients = [Equation(vector, s / t), Equation(y, s * r / t)]
    slopes = {e.lhs: e for e in tangent(quotients, dotted([s, r, t, vector, y], set()))}
    assert [str(e.rhs) for q, e in slopes.items() if q.axes == ()] == [
        "r*s_dot/t + r_dot*s/t - t_dot*y/t"
    ]  # fmt: skip


def test_what_several_arguments_are_called():
    """One that has no name is the pre-activation, as of a sigmoid; two are told apart by numbers,
    and not by an underscore at the end."""
    r, t = Quantity("r", (H,)), Quantity("t", (H,))
    written = [Equation(r, maximum(i, 2 * v)), Equation(t, maximum(maximum(-i, -v), -r))]
    assert [str(e.lhs) for e in normalise(written, {"i", "v", "r", "t"})] == [
        "a_r", "r", "a1_a1_t", "a2_a1_t", "a1_t", "a2_t", "t",
    ]  # fmt: skip


def test_numbers_receive_nothing():
    assert list(pull_back(Equation(vector, 2 * i + Size(H)), v)) == [(i, 2 * v)]


# --- quotients -----------------------------------------------------------------------------------

a, b, c, y = (Quantity(name, (H,)) for name in "abcy")


@pytest.mark.parametrize("rhs, slopes", [
    (a / b, {a: 1 / b, b: -y / b}),
    (a * c / b, {a: c / b, c: a / b, b: -y / b}),
    ((a * c + b) / (a + b), {a: (c - y) / (a + b), b: (1 - y) / (a + b), c: a / (a + b)}),
    (1 / b, {b: -y / b}),
    (a / b**2 / c, {a: 1 / b**2 / c, b: -2 * y / b, c: -y / c}),
    (-a / (2 * b), {a: -1 / (2 * b), b: -y / b}),
    (a / 2, {a: sp.Rational(1, 2)}),
    (a / Size(H), {a: 1 / Size(H)}),
], ids=str)  # fmt: skip
def test_a_quotient_s_derivative_is_stated_by_the_quotient(rhs, slopes):
    assert dict(partials(Equation(y, rhs))) == slopes
    by_formula = dict(partials(Equation(y, rhs), by_output=False))
    assert by_formula == {q: sp.diff(rhs, q) for q in slopes}


def test_a_quotient_within_a_formula_has_a_name_of_its_own():
    h = Quantity("h", (H,))
    written = [
        Equation(h, a * b / c + 1 - 2 * a / (b + c)),
        Equation(y, tanh(a / b) * (1 + 1 / (2 * c)) / h),
    ]
    normal = normalise(written, {"a", "b", "c", "h", "y"}, quotients=True)
    assert {str(e) for e in normal} == {
        "a_b_per_c = a*b/c", "h_quotient = a/(b + c)", "h = a_b_per_c - 2*h_quotient + 1",
        "a_tanh_y = a/b", "tanh_y = tanh(a_tanh_y)", "y_quotient = 1/c",
        "y = tanh_y*(y_quotient/2 + 1)/h",
    }  # fmt: skip


@pytest.mark.parametrize("name, powers", [("minlstm", 1), ("slstm", 1), ("cornn", 0)])
def test_no_adjoint_divides_by_a_square(name, powers):
    backward = adjoint(load(name)).backward
    assert {p.exp for e in backward for p in e.rhs.atoms(sp.Pow) if p.exp < 0} <= {-powers}


# --- layer normalisation -------------------------------------------------------------------------

u, w, mu, sigma = Quantity("u", (H,)), Quantity("w", (H,)), Quantity("mu"), Quantity("sigma")
NORMALISED = [
    Equation(mu, FeatureSum(u + w) / (2 * Size(H))),
    Equation(sigma, Deviation(mu, sp.Rational(1, 7), u, w)),
    Equation(a, (u - mu) / sigma),
    Equation(b, (w - mu) / sigma),
    Equation(y, a * c + b**2),
]


def in_scalars(equations, values):
    for e in equations:
        values[e.lhs] = evaluate(e.rhs, values)
    return values


def test_the_derivative_of_a_deviation_is_that_of_its_formula():
    """With the mean's it is SymPy's derivative of what the words stand for."""
    rows, gradients, bar = chain(NORMALISED)
    assert gradients.keys() == {u, w, c}
    values = in_scalars(NORMALISED, {q: symbols(q.name, q.axes) for q in (u, w, c, bar)})
    loss = dot_of(values[bar], values[y])
    in_scalars(rows, values)
    for leaf, gradient in gradients.items():
        right = Points().gradient(loss, list(values[leaf].flat)).T
        pairs = zip(evaluate(gradient, values).flat, right, strict=True)
        assert all((Points().values(one) == want).all() for one, want in pairs)


def test_the_tangent_of_a_deviation_is_that_of_its_formula():
    dot = dotted([u, w, c, *(e.lhs for e in NORMALISED)], set())
    leaves = [u, w, c, dot[u], dot[w], dot[c]]
    values = in_scalars(NORMALISED, {q: symbols(q.name, q.axes) for q in leaves})
    in_scalars(tangent(NORMALISED, dot), values)
    pairs = [(s, d) for q in (u, w, c) for s, d in zip(values[q], values[dot[q]], strict=True)]
    for one, whole in zip(values[dot[y]], values[y], strict=True):
        assert moves(one, whole, pairs)


def test_the_word_gives_its_equations_good_names():
    written = {str(e.lhs) for e in Normalised.equations}
    assert written == {
        "u_1", "u_2", "mu_u", "sigma_u", "p", "q", "v_standard", "mu_v_standard",
        "sigma_v_standard", "c_next", "mu_c", "sigma_c", "h_next",
    }  # fmt: skip
    order = {e.lhs.name: e.order for e in Normalised.equations}["c_next"]
    assert order.index("b_c") < order.index("sigma_v_standard") < order.index("q")


def test_a_cell_that_standardises_is_proved():
    assert prove(Normalised) == (True, "22 derivatives")


@pytest.mark.parametrize("cell", NORMED, ids=lambda cell: cell.title)
def test_so_are_its_numbers_of_first_and_second_order(cell):
    """Scaled, of parameters, and where some of it moves nothing."""
    assert [row for row in check(cell) if row.ok is False] == []


def test_the_derivative_is_stated_by_the_output():
    """One sum for the mean, one for the root: nothing of the formula is derived."""
    cell = load("lstm_layer_norm")
    sums = [e for e in adjoint(cell).backward if e.rhs.has(FeatureSum)]
    assert [str(e.lhs) for e in sums] == [
        f"d{of}_{vector}" for vector in "cvu" for of in ("sigma", "mu")
    ]
    names = {e.lhs.name for e in (*adjoint(cell).forward, *adjoint(cell).backward)}
    assert not any("terms" in name for name in names)


@pytest.mark.parametrize("words, message", [
    (lambda: standardise(), r"standardise\(…\) takes a vector"),
    (lambda: standardise(u, eps=-1), "a number from 0 on, not eps=-1"),
    (lambda: standardise(u, eps="small"), "a number from 0 on, not eps='small'"),
    (lambda: standardise(u, q), "shapes do not fit together"),
    (lambda: standardise(s), "is taken over a vector"),
], ids="none negative word lengths number".split())  # fmt: skip
def test_what_cannot_be_standardised(words, message):
    with pytest.raises(CellError, match=message):
        words()
