"""The rules by themselves, on loops made by hand and on the cells' own."""

from __future__ import annotations

from collections import Counter

import pytest
import sympy as sp
from some_cells import sampled

from derive import language
from derive.cell import Equation
from derive.elementwise import heaviside, tanh
from derive.library import load, names
from derive.nodes import FeatureSum, H, I, Quantity, Size, symbols_of
from derive.program.alike import groups_alike
from derive.program.loop import Carry, Loop
from derive.program.policy import PER_BYTE, PER_CALL, PER_OPERATION
from derive.program.program import Program
from derive.program.rules.collect import collect
from derive.program.rules.hoist import hoist
from derive.program.rules.share import operations, share

a, b, c, h, new = (Quantity(name, (H,)) for name in ("a", "b", "c", "h", "new"))


def loop_of(*equations, known=(a, b, c)):
    """One step of a loop that carries h."""
    return Loop(frozenset(known), (Carry(h, new),), equations, frozenset({new}))


# --- hoist ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rhs, left", [
    ((a * h + b * c) / (a + b), "h*new_rate + new_in"),  # some of it is known
    (a * (h + b), "a*h + new_in"),
    (a * (b * h + c * h**2), "h**2*new_rate + h*new_rate_"),  # every term has a known factor
    (a * (h + h**2), "a*(h**2 + h)"),  # nothing to be gained
    (a * (b + h + h**2), "a*(b + h**2 + h)"),  # a product more than now
    (a * (1 + h), "a*(h + 1)"),  # a number is no work
    (h * (b + h), "h*(b + h)"),  # nothing known outside
])  # fmt: skip
def test_a_product_is_multiplied_out_where_the_loop_has_less_to_do(rhs, left):
    (equation,) = hoist(loop_of(Equation(new, rhs)), PER_CALL).during
    assert str(equation.rhs) == left


def test_the_loop_of_minlstm_is_affine():
    """h_next = rate*h + offset: what a parallel scan takes."""
    (equation,) = Program(load("minlstm")).loops.forward.during
    (state,) = load("minlstm").states
    terms = sp.Add.make_args(equation.rhs)
    assert sorted(len(sp.Mul.make_args(term)) for term in terms) == [1, 2]
    assert sum(state in symbols_of(term) for term in terms) == 1


def test_what_is_the_same_at_every_step_is_summed_once():
    b_1, b_2 = Quantity("b_1", (H,)), Quantity("b_2", (H,))
    loop = Loop(
        frozenset({a, b_1, b_2}), (Carry(h, new),), (Equation(new, h + a + b_1 + b_2 + 1),),
        frozenset({new}), fixed=frozenset({b_1, b_2}),
    )  # fmt: skip
    assert [str(e) for e in hoist(loop, PER_CALL).before] == [
        "new_bias = b_1 + b_2 + 1", "new_in = a + new_bias"
    ]  # fmt: skip


def test_the_biases_of_the_layer_norm_are_summed_once():
    before = [str(e) for e in Program(load("lstm_layer_norm")).loops.forward.before]
    for gate in "fiog":
        assert f"a_{gate}_bias = b_{gate} + t_u_{gate} + t_v_{gate}" in before


# --- share ---------------------------------------------------------------------------------------

d, e, y, z = (Quantity(name, (H,)) for name in ("d", "e", "y", "z"))
s, t = Quantity("s"), Quantity("t")


def shared(*formulas, section="during"):
    """Formulas, each for a quantity of its own, after the rule."""
    equations = [Equation(Quantity(f"q{n}", (H,)), f) for n, f in enumerate(formulas)]
    loop = Loop(frozenset({a, b, c, d, e}), (), (), frozenset(q.lhs for q in equations))
    loop = share(Loop(**vars(loop) | {section: tuple(equations)}))
    return [str(equation) for equation in getattr(loop, section)]


@pytest.mark.parametrize("formulas, after", [
    ([a + b + c, a + b - c], ["a_plus_b = a + b", "q0 = a_plus_b + c", "q1 = a_plus_b - c"]),
    ([a - b, c * (b - a)], ["q0 = a - b", "q1 = -c*q0"]),  # under the name that is there
    ([c * (a + b), a + b], ["q1 = a + b", "q0 = c*q1"]),  # which comes first then
    ([c * (1 - a), d * (1 - a)],
     ["one_minus_a = 1 - a", "q0 = c*one_minus_a", "q1 = d*one_minus_a"]),
    ([a * b * c, a * b * d], ["a_b = a*b", "q0 = a_b*c", "q1 = a_b*d"]),
    ([c * a / b, d * a / b], ["a_per_b = a/b", "q0 = a_per_b*c", "q1 = a_per_b*d"]),
    ([c * a**2, d + a**2], ["a_squared = a**2", "q0 = a_squared*c", "q1 = a_squared + d"]),
    ([c / (a + b), d / (a + b)],
     ["inv_a_plus_b = 1/(a + b)", "q0 = c*inv_a_plus_b", "q1 = d*inv_a_plus_b"]),
    ([s * a / Size(H), s * b / Size(H)], ["s_each = s/H", "q0 = a*s_each", "q1 = b*s_each"]),
    ([a * FeatureSum(b * c), d * FeatureSum(b * c)],
     ["q0_part = sum(b*c)", "q0 = a*q0_part", "q1 = d*q0_part"]),
    ([heaviside(a), c * (1 - heaviside(a))], ["q0 = heaviside(a)", "q1 = c*(1 - q0)"]),
    ([a * b, c * d], ["q0 = a*b", "q1 = c*d"]),
    ([2 * a, 2 * b, -a, 1 - c], ["q0 = 2*a", "q1 = 2*b", "q2 = -a", "q3 = 1 - c"]),
], ids=str)  # fmt: skip
def test_what_formulas_have_in_common_is_computed_once(formulas, after):
    assert shared(*formulas) == after


def test_a_number_and_the_vector_that_it_fills_are_two():
    """Of ``q = s*t``, a vector of equal entries, and ``r = s*t`` neither is the other's name."""
    q, r = Quantity("q", (H,)), Quantity("r")
    equations = (Equation(q, s * t), Equation(r, s * t))
    loop = share(Loop(frozenset({s, t}), (), equations, frozenset({q, r})))
    assert [str(e) for e in loop.during] == ["r = s*t", "q = r"]


@pytest.mark.parametrize("section", ["before", "after"])
def test_an_array_of_all_steps_has_to_be_worth_it(section):
    """1 - a read twice is one operation less and one array more; four times, it pays."""
    twice = [c * (1 - a), d * (1 - a)]
    assert shared(*twice, section=section) == [f"q0 = {twice[0]}", f"q1 = {twice[1]}"]
    four = [*twice, e * (1 - a), b + (1 - a) ** 2]
    assert shared(*four, section=section)[0] == "one_minus_a = 1 - a"
    inverse = shared(c / (a + b), d / (a + b), section=section)
    assert inverse == ["inv_a_plus_b = 1/(a + b)", "q0 = c*inv_a_plus_b", "q1 = d*inv_a_plus_b"]
    assert shared(1 - a, b + c * (1 - a), section=section) == ["q0 = 1 - a", "q1 = b + c*q0"]


LOOPS = ("forward", "backward", "jvp", "there", "back", "tangents", "onward")


def loops(name):
    passes = Program(load(name)).loops
    ways = (*passes.hvp, *passes.tangents)
    return dict(zip(LOOPS, (passes.forward, passes.backward, passes.jvp, *ways), strict=True))


def formulas_of(equations):
    for equation in equations:
        for part in sp.preorder_traversal(equation.rhs):
            if isinstance(part, sp.Add | FeatureSum) and not part.has(*EXCEPT):
                yield part


EXCEPT = [node for node in FeatureSum.__mro__[1].__subclasses__() if node is not FeatureSum]


@pytest.mark.parametrize("name", sampled(names()))
def test_no_sum_is_computed_twice_within_the_loop(name):
    for which, loop in loops(name).items():
        twice = [f for f, n in Counter(formulas_of(loop.during)).items() if n > 1]
        assert not twice, f"{which}: {twice}"


@pytest.mark.parametrize("name", sampled(names()))
def test_no_sum_is_computed_often_before_or_after_it(name):
    for which, loop in loops(name).items():
        for section in (loop.before, loop.after):
            often = [f for f, n in Counter(formulas_of(section)).items() if n > 3]
            assert not often, f"{which}: {often}"


def occurrences(formula, equations):
    return sum(part == formula for e in equations for part in sp.preorder_traversal(e.rhs))


@pytest.mark.parametrize("name, formula", [
    ("minlstm", "f + i"), ("gru", "1 - z"), ("slstm", "log_f + m"),
])  # fmt: skip
def test_common_sums_are_computed_once(name, formula):
    cell = load(name)
    formula = sp.sympify(formula, {q.name: q for q in cell.quantities})
    for which in ("forward", "backward"):
        assert occurrences(formula, loops(name)[which].equations) <= 1, which


@pytest.mark.parametrize("which", ["backward", "jvp", "there", "back"])
def test_of_two_slopes_of_a_maximum_the_second_is_one_minus_the_first(which):
    functions = [f for e in loops("slstm")[which].equations for f in e.rhs.atoms(heaviside)]
    assert len(functions) == 1


def test_minlstm_computes_no_more_than_a_hand_would():
    """h_next is not computed again, and i and f are divided by their sum once."""
    backward = loops("minlstm")["backward"]
    assert sum(operations(e.rhs) for e in backward.before) <= 14


# --- alike ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rhs, together", [
    (lambda one, other: one**2, True),
    (lambda one, other: 2 * s * one, True),  # a number fits any length
    (lambda one, other: h * one, False),  # of h there is one, and the stack has two
    (lambda one, other: one + other, False),
])  # fmt: skip
def test_what_lies_side_by_side_where_its_operands_do(rhs, together):
    group = (Quantity("q_a", (H,)), Quantity("q_b", (H,)))
    equations = (Equation(group[0], rhs(a, b)), Equation(group[1], rhs(b, a)))
    assert groups_alike(equations, [(a, b)], frozenset()) == [group] * together


# --- operations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("formula, count", [
    (a, 0), (a + b, 1), (-a, 0), (a * b / c, 3), (1 / a, 2), (a**2, 1), ((a + b) / (c + d), 4),
    (1 / a / b, 4),
    (FeatureSum(a * b), 3), (1 - heaviside(a - b), 4), (-a * b, 1), (1 - a * (b + c), 3),
], ids=str)  # fmt: skip
def test_operations(formula, count):
    assert operations(formula) == count


# --- collect -------------------------------------------------------------------------------------

n, n_, total = Quantity("n"), Quantity("n_"), Quantity("total")  # numbers


@pytest.mark.parametrize("rhs, left", [
    (h / n + a * h / n, "(a*h + h)/n"),
    (h / n - a * h / n**2, "(-a*h/n + h)/n"),
    (h / n + a * h / n + b * h, "b*h + (a*h + h)/n"),
    (h / a + b * h / a, "b*h/a + h/a"),  # a vector divides as well in one place as in another
    (h / n + a * h, "a*h + h/n"),  # of one term, there is nothing to collect
    (h * b * (1 - a) - h * b * a, "b*h*(1 - 2*a)"),
    (h * b * (1 - a) - h * c * a, "-a*c*h + b*h*(1 - a)"),
])  # fmt: skip
def test_a_sum_is_divided_by_a_number_as_a_whole(rhs, left):
    (equation,) = collect(loop_of(Equation(new, rhs), known=(a, b, c, n))).during
    assert str(equation.rhs) == left


@pytest.mark.parametrize("rhs, is_mean", [
    (a / n - total * b / Size(H), True),  # it divides all by n, and so may the sum be divided there
    (a / n - total * b / Size(H) - total / Size(H), True),
    (a / n - total * b / Size(H) - total / 2, False),  # two numbers beside one sum
    (a / n_ - total * b / Size(H), False),  # divided by something else
    (a / n - b * tanh(total), False),
])  # fmt: skip
def test_a_reduction_leaves_its_divisor_to_its_readers(rhs, is_mean):
    loop = loop_of(Equation(total, FeatureSum(h * a) / n), Equation(new, rhs), known=(a, b, n, n_))
    first, second = collect(loop).during
    assert (first.lhs != total) is is_mean
    found = second.rhs.xreplace({first.lhs: first.rhs})
    assert sp.expand(found - rhs.xreplace({total: FeatureSum(h * a) / n})) == 0


def test_the_derivative_of_what_was_standardised_is_divided_once():
    """By sigma, and its means are of what is there anyway."""
    found = {str(e.lhs): str(e.rhs) for e in Program(load("lstm_layer_norm")).loops.backward.during}
    assert found["mean_dp_c"] == "sum_dp_c/H"
    assert found["du_f"] == "(dp_f - mean_dp - mean_dp_p*p_f)/sigma_u"
    assert not any(name.startswith(("dmu", "dsigma")) for name in found)


# --- standardise ---------------------------------------------------------------------------------


class Normed(language.Cell):
    """One vector, standardised."""

    x, h = language.Input(), language.State()
    W, U = language.Matrix(H, I), language.Matrix(H, H)

    v = W @ x + U @ h
    h_next = language.tanh(language.standardise(v, eps=1e-3))


class Nearly(language.Cell):
    """What is subtracted is no mean, and what is divided by is no deviation from it."""

    x, h = language.Input(), language.State()
    W, U = language.Matrix(H, I), language.Matrix(H, H)

    v = W @ x + U @ h
    m = language.mean(v) / 2
    s = language.sqrt(language.mean((v - m) ** 2) + 1e-3)
    d = language.mean(v)
    r = language.sqrt(language.mean((v - m) ** 2) + 1e-3)
    q = language.sqrt(language.mean((v - d) ** 4) + 1e-3)
    h_next = language.tanh((v - m) / s + (v - d) / r + (v - d) / q)


def kinds(cell, name, policy=PER_CALL):
    """What a routine of a cell does, by kind."""
    return Counter(s.kind for s in Program(cell, policy=policy).routines[name].statements)


def test_what_is_standardised_is_one_statement():
    forward, backward, onward = (kinds(Normed, name) for name in ("forward", "backward", "onward"))
    assert forward["Standardise"] == 1 and not forward["Reduce"] + forward["Sum"]
    assert backward["StandardiseSlope"] == 1 and not backward["Reduce"] + backward["Sum"]
    assert onward["StandardiseSlope"] == 2, "of the adjoint, and of its tangent"


def test_what_is_nearly_standardised_is_not():
    for name in ("forward", "backward", "tangents", "onward"):
        found = kinds(Nearly, name)
        assert not found["Standardise"] + found["StandardiseSlope"]


@pytest.mark.parametrize("policy", [PER_OPERATION, PER_BYTE])
def test_where_a_target_has_no_function_for_it_it_is_sums(policy):
    assert not kinds(Normed, "forward", policy)["Standardise"]
    assert not kinds(Normed, "backward", policy)["StandardiseSlope"]
