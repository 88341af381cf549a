"""Rounds of a loop over `each`: what a name stands for after it, and within another loop."""

from __future__ import annotations

import pytest

from derive import library
from derive.nodes import CellError

HEAD = """
from derive.language import *

class Mine(Cell):
    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    for k in each(3):
        n = tanh(W.n @ x + U.n @ h + b.n)
"""
SECOND = "    y = h\n    for j in each(3):\n        "


@pytest.fixture
def load(tmp_path):
    def loaded(body):
        (tmp_path / "mine.py").write_text(f"{HEAD}{body}\n")
        return library.load(str(tmp_path / "mine.py"))

    return loaded


def formulas(cell):
    return {str(e.lhs): str(e.rhs) for e in cell.equations}


def test_a_second_loop_says_which_round_it_reads(load):
    found = formulas(load(f"{SECOND}y = y * n[j]\n    h_next = y"))
    assert [found[f"y_{k}"] for k in (1, 2, 3)] == ["n_1*y", "n_2*y_1", "n_3*y_2"]


def test_after_the_loop_a_round_has_its_number_and_the_name_is_the_latest(load):
    assert formulas(load("    h_next = n + n[1] * n[2]"))["h_next"] == "n_1*n_2 + n_3"
    assert formulas(load("    h_next = n_1 * n_2 + n"))["h_next"] == "n_1*n_2 + n_3"


def test_all_rounds_are_a_list(load):
    assert formulas(load("    p, q, r = n\n    h_next = p - q / r"))["h_next"] == "p - q/r"
    body = "    h_next = len(n) * (lambda *all: all[0] * all[-1])(*n) + n[2]"
    assert formulas(load(body))["h_next"] == "3*n_1*n_3 + n_2"


def test_a_loop_reads_the_round_before_of_its_own(load):
    body = "    y = h\n    for j in each(3):\n        y = y * n[j]\n        z = y + y[j]\n"
    found = formulas(load(f"{body}    h_next = z * z[1] * z[2]"))
    assert found["z_3"] == "2*y_3"


def test_parameters_and_numbers_of_a_loop_have_rounds_too(load):
    body = (
        "    for i in each(2):\n        V, a = Matrix(H, H), 0.5\n        m = V @ h\n"
        "    for j in each(2):\n        s = a[j] * (V[j] @ m[j])\n"
        "    h_next = s[1] * s + n * n_1 / n_2"
    )
    found = formulas(load(body))
    assert (found["m_2"], found["s_1"]) == ("MatVec(V_2, h)", "0.5*MatVec(V_1, m_1)")


@pytest.mark.parametrize("formula", [
    "y * n", "n * y", "n", "-n", "tanh(n)", "U.y @ n", "n**2", "standardise(n)", "maximum(n, y)",
    "mean(n)", "sum(n)", "Output(n)", "y / n", "1 - n", "minimum(y, n)", "absolute(n)", "abs(n)",
])  # fmt: skip
def test_the_last_round_is_not_read_by_accident(load, formula):
    with pytest.raises(CellError, match=r"mine\.py:\d+:.* `n` .*: say which is meant, n\[k\]"):
        load(f"    y = h\n    for j in each(3):\n        z = {formula}\n    h_next = z")


@pytest.mark.parametrize("line", ["z = V @ h", "z = V.z @ h", "z = h * a", "z = V.T @ h"])
def test_nor_are_a_parameter_and_a_number(load, line):
    first = "    for i in each(2):\n        V, a = Matrix(H, H), 0.5\n        m = a * (V @ h)\n"
    with pytest.raises(CellError, match=r"`[Va]` was given a value in each round"):
        load(f"{first}    for j in each(2):\n        {line}\n    h_next = z * m")


def test_nor_is_the_number_of_another_loop(load):
    with pytest.raises(CellError, match="`k` is the number of a round of another loop"):
        load(f"{SECOND}y = y * n[k]\n    h_next = y")


@pytest.mark.parametrize("which", ["0", "4", "-1", "'a'", "h", "1:2"])
def test_a_round_that_is_none(load, which):
    with pytest.raises(CellError, match="are numbered from 1 to 3"):
        load(f"    h_next = n[{which}]")


@pytest.mark.parametrize("test", ["n", "n == 2", "not n", "n != h", "2 in n"])
def test_a_name_with_rounds_is_no_condition(load, test):
    with pytest.raises(CellError, match="cannot be a condition"):
        load(f"    h_next = n * n_1 * n_2 if {test} else h")


@pytest.mark.parametrize("count", ["'3'", "None", "h", "2.5", "0", "-1", "True", "float('nan')"])
def test_a_loop_has_a_whole_number_of_rounds(load, count):
    with pytest.raises(CellError, match="whole number of at least 1"):
        load(f"    y = h\n    for j in each({count}):\n        y = y * n_1\n    h_next = y")


def test_which_a_float_may_be(load):
    body = "    y = h\n    for j in each(3.0):\n        y = y * n[j]\n    h_next = y"
    assert formulas(load(body))["y_3"] == "n_3*y_2"
