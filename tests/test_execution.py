"""A cell's file is run, and what is wrong in it is told with file and line, in one sentence."""

from __future__ import annotations

from contextvars import Context

import pytest

from derive import library
from derive.language import each
from derive.nodes import CellError

HEAD = """\
import numpy as np
from derive.language import *

class Mine(Cell):
    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
"""
GOOD = "    h_next = tanh(W.h @ x + U.h @ h + b.h)\n"
MISTAKES = {
    "a branch on a quantity": ("    a = W.a @ x\n    h_next = a if h else b.h", 9, "`h` is "),
    "a branch on no quantity": ("    a = W.a @ x + b.a\n    if not a:\n        h_next = U.h @ h\n"
                                "    else:\n        h_next = a + U.h @ h", 9, "`a` is compared"),
    "a comparison": ("    a = W.a @ x + b.a\n    h_next = a + (a if h == a else 0)", 9, "`h`"),
    "an order": ("    h_next = h if x > 0 else h", 8, "use where, maximum, minimum or relu"),
    "Python's max": ("    h_next = max(h, W.h @ x)", 8, "use where, maximum"),
    "NumPy's function": ("    h_next = np.tanh(W.h @ x)", 8, "use those of derive.language"),
    "NumPy in the body": ("    import numpy as np", 8, "`np` is a module"),
    "a function in the body": ("    def f(v):\n        return 2 * v", 8, "`f` is a function"),
    "a product of matrices": ("    h_next = U.h @ W.h @ x", 8, "write U @ (W @ x)"),
    "neither side has a name": ("    h_next = (U.h * U.g) @ (h * b.h)", 8, "write M = U * V"),
    "nor what is transposed": ("    h_next = (U.h * U.g).T @ h", 8, "M.T @ h"),
    "an elementwise product": ("    h_next = tanh(W.h * x + U.h @ h)", 8, "is W @ x"),
    "vectors joined": ("    h_next = W.h @ [x, h]", 8, "W.x @ x + W.h @ h"),
    "a family's member by its name": ("    h_next = W_h @ x", 8, "is it W.h?"),
    "a member of a state": ("    h_next = W.h @ x + h.f", 8, "`h` has no member `f`"),
    "a division by zero": ("    h_next = W.h @ x / 0", 8, "divided by zero"),
    "an infinity": ("    h_next = W.h @ x + float('inf')", 8, "infinite"),
    "an imaginary number": ("    h_next = W.h @ x * 1j", 8, "imaginary"),
    "a vector as exponent": ("    h_next = (W.h @ x) ** b", 8, "an exponent must be a number"),
    "two families, one name": ("    U_h = Matrix(H, H)\n    h_next = U.h @ h + U_h @ h", 9, ""),
    "a loop without each": ("    for k in range(2):\n        a = W.a @ x", 8, "each(…)"),
    "rows or columns": ("    s = State(H, H)\n    s_next = h * s", 9, "scales the rows of M"),
    "one axis of two": ("    s = State(H, H)\n    a = sum(s, H)", 9, "sum(M, H, H)"),
    "an axis too often": ("    a = sum(W.a, I, I)", 8, "names an axis twice"),
    "a matrix of one axis": ("    V = Matrix(H)", 8, "a matrix has two axes"),
    "a number for names": ("    s = Scalar(1)", 8, "names="),
    "a name listed twice": ('    s = Scalar(names="a a")', 8, "different names"),
}  # fmt: skip


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Writes a cell's file into the folder we are in."""
    monkeypatch.chdir(tmp_path)

    def write(body):
        (tmp_path / "mine.py").write_text(HEAD + body + "\n")
        return "mine.py"

    return write


def test_a_file_without_mistakes(mine):
    assert library.load(mine(GOOD)).name == "mine"


@pytest.mark.parametrize("body, line, says", MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("prefix", ["", "./", "absolute"])
def test_a_mistake_is_told_with_its_line(mine, tmp_path, body, line, says, prefix):
    path = mine(body)
    path = str(tmp_path / path) if prefix == "absolute" else prefix + path
    with pytest.raises(CellError) as caught:
        library.load(path)
    assert str(caught.value).startswith(f"{path.removeprefix('./')}:{line}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("body, says", [
    (GOOD + '    p = Vector(H, names="a b")\n    q = Output(p.a * h_next)', "`p.b` is never used"),
    ("    h_next = tanh(W.h @ x + U.h @ h_next + b.h) + 0 * h", "circular"),
])  # fmt: skip
def test_what_is_wrong_with_a_whole_cell(mine, body, says):
    with pytest.raises(CellError, match=says):
        library.load(mine(body))


def test_a_comparison_of_settings_is_none_of_quantities(mine):
    cell = library.load(mine(
        '    way = Option("here", "there")\n'
        "    for k in each(2):\n"
        '        a = W.a @ x + b.a if k == 1 and way == "here" else tanh(a)\n'
        "    h_next = a + U.h @ h"
    ))  # fmt: skip
    assert [str(e.lhs) for e in cell.equations] == ["a_1", "a_2", "h_next"]


def test_a_loop_may_be_left(mine):
    cell = library.load(mine(
        "    y = W.y @ x + b.y\n"
        "    for k in each(3):\n"
        "        y = tanh(y)\n"
        "        if k == 2:\n"
        "            break\n"
        "    h_next = y + U.h @ h"
    ))  # fmt: skip
    assert [str(e.lhs) for e in cell.equations] == ["y", "y_1", "y_2", "h_next"]


def test_a_member_in_a_loop_serves_a_state(mine):
    cell = library.load(mine(
        "    for k in each(2):\n"
        "        s = State()\n"
        "        s_next = tanh(U.s @ s + W.s @ x + b.s)\n"
        "    h_next = s_next + h"
    ))  # fmt: skip
    assert {"U_s_1", "U_s_2"} <= {str(p) for p in cell.parameters}


@pytest.mark.parametrize("what, says", [
    ("LSTM", "is it lstm?"),
    ("gru:reset", "write gru:option=value"),
    (".", "is a folder"),
    ("nothing_like_it", "`derive list`"),
])  # fmt: skip
def test_what_was_not_found(what, says):
    with pytest.raises(CellError, match=says):
        library.load(what)


@pytest.mark.parametrize("line", ["import no_such_module", "h_next"])
def test_a_file_that_fails_before_its_cell_is_the_first_to_run(tmp_path, line):
    """As in a process of its own, where no cell's body has run before."""
    path = tmp_path / "mine.py"
    path.write_text(f"{line}\n{HEAD}{GOOD}")
    with pytest.raises(CellError, match=r"mine\.py:1: "):
        Context().run(library.load, str(path))


def test_a_word_of_the_body_is_used_outside_of_one():
    with pytest.raises(CellError, match="in the body of a cell's class"):
        Context().run(lambda: list(each(2)))


def test_a_file_may_load_another(mine, tmp_path):
    """Each has the body that runs to itself: the other's is over when this one goes on."""
    (tmp_path / "other.py").write_text(HEAD + GOOD)
    path = mine(
        "    library.load('other.py')\n"
        "    for k in each(1):\n"
        "        a = W.a @ x + b.a\n"
        "    h_next = a + U.h @ h"
    )
    text = (tmp_path / path).read_text()
    (tmp_path / path).write_text(f"from derive import library\n{text}")
    cell = library.load(path)
    assert [str(e.lhs) for e in cell.equations] == ["a_1", "h_next"]
