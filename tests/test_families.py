"""Equations of one form are written once, and say what they said."""

from __future__ import annotations

import pytest
from some_cells import sampled

from derive import language
from derive.backends.about import About
from derive.cell import Equation
from derive.display.families import LETTERS, families, letter_for, renamed
from derive.library import load, names
from derive.nodes import H, Quantity
from derive.program.program import Program

u_f, u_i, v_f, v_i, w, f = (Quantity(name, (H,)) for name in ("u_f", "u_i", "v_f", "v_i", "w", "f"))


def written(*equations):
    """Each family's equation, with its members."""
    return [(str(found.equation), found.members) for found in families(equations, "k")]


@pytest.mark.parametrize("second, found", [
    (Equation(u_i, v_i * w), [("u_k = v_k*w", ("f", "i"))]),
    (Equation(u_i, v_f * w), [("u_f = v_f*w", ()), ("u_i = v_f*w", ())]),  # of another's
    (Equation(u_i, v_i + w), [("u_f = v_f*w", ()), ("u_i = v_i + w", ())]),
    (Equation(u_i, u_f * v_i * w), [("u_f = v_f*w", ()), ("u_i = u_f*v_i*w", ())]),
    (Equation(f, v_i * w), [("u_f = v_f*w", ()), ("f = v_i*w", ())]),  # a name of one part
])  # fmt: skip
def test_equations_of_one_form_are_one(second, found):
    assert [(s.replace(" * ", "*"), m) for s, m in written(Equation(u_f, v_f * w), second)] == found


def test_an_equation_stays_behind_what_it_reads():
    """The second of a family reads what is defined after the first."""
    equations = Equation(u_f, w + f), Equation(v_f, u_f * f), Equation(u_i, w + f)
    assert [found.members for found in families(equations, "k")] == [("f", "i"), ()]
    late = Equation(u_f, v_f * f), Equation(v_i, w + f), Equation(u_i, v_i * f)
    assert [found.members for found in families(late, "k")] == [(), (), ()]


def test_a_letter_is_no_part_of_any_name():
    assert letter_for(["u_f", "k"]) == "j"
    assert letter_for(["a_k_1", "j_n"]) == "m"
    assert letter_for(LETTERS) is None
    assert families([Equation(u_f, v_f), Equation(u_i, v_i)], None)[0].members == ()


@pytest.mark.parametrize("name", sampled(names()))
def test_every_member_says_what_the_cell_says(name):
    """With each member in the letter's place the cell's equations are there again."""
    cell = load(name)
    letter = letter_for(q.name for q in cell.quantities)
    again = []
    for found in families(cell.equations, letter):
        again += [renamed(found.equation, letter, end) for end in found.members] or [found.equation]
    assert {(str(e.lhs), e.rhs) for e in again} == {(str(e.lhs), e.rhs) for e in cell.equations}


class Summed(language.Cell):
    """A sum over both gates, and one over one of them."""

    x, h = language.Input(), language.State()
    W, U = language.Matrix(H, language.I, names="r z"), language.Matrix(H, H, names="r z")

    a_r = W.r @ x + U.r @ h
    a_z = W.z @ x + U.z @ h
    both = a_r**2 + a_z**2 + h
    h_next = language.tanh(both + a_r * h)


def test_a_sum_over_a_family_is_written_as_one():
    assert About(Program(Summed), str).equations == [
        "a_k = W_k @ x + U_k @ h, for k = r, z",
        "both = h + Σ_k a_k**2",
        "h_next = tanh(both + a_r * h)",
    ]
    assert r"\bar{h}_{t-1}^{(t)} &=" in About(Program(Summed), str).latex
    assert r"\sum_k a_{k,t}^{2}" in About(Program(Summed), str).latex
