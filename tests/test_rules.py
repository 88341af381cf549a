"""The rules by themselves, on loops made by hand and on the cells' own."""

from __future__ import annotations

import pytest
import sympy as sp

from derive.cell import Equation
from derive.library import load
from derive.nodes import H, Quantity, symbols_of
from derive.program.hoist import hoist
from derive.program.loop import Carry, Loop
from derive.program.policy import PER_CALL
from derive.program.program import Program

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
