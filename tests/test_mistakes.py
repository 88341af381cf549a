"""Mistakes that newcomers made: each is told in one sentence that says what to write instead."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from derive import compiler, library
from derive.nodes import CellError, H, Quantity, Size

ROOT = Path(__file__).parent.parent
HEAD = """\
from derive.language import *; import math, numpy as np; from numpy import sum as numpy_sum

class Mine(Cell):
    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
"""
GOOD = "    h_next = tanh(W @ x + U @ h + b)"
NO_FORMULA = "is no formula"
MISTAKES = {
    "Python's own max": ("    h_next = max(h) + tanh(W @ x + b)", 7, "from derive.language"),
    "a list for sum": ("    h_next = sum([W @ x, U @ h]) + b", 7, "several are added with +"),
    "a list for mean": ("    h_next = mean([W @ x, U @ h]) + b", 7, "several are added with +"),
    "a tuple for tanh": ("    h_next = tanh((W @ x, U @ h)) + b", 7, "several are added with +"),
    "a text for tanh": ("    h_next = tanh('x + h') + W @ x + U @ h + b", 7, NO_FORMULA),
    "a text for maximum": ("    h_next = maximum('x', h) + W @ x + U @ h + b", 7, NO_FORMULA),
    "nothing for sigmoid": ("    h_next = sigmoid(None) + W @ x + U @ h + b", 7, NO_FORMULA),
    "a list for standardise": ("    h_next = standardise([h, b]) + W @ x + U @ h", 7, NO_FORMULA),
    "a transposed term": ("    K = U - U.T\n    h_next = K @ h + W @ x + b", 7, r"\(U - U\.T\) @"),
    "a state is not declared": (f"    c_next = tanh(W.c @ x)\n{GOOD}", 3, "declare that: c = "),
    "nor where it is read": ("    c_next = tanh(W @ x + c)\n    h_next = U @ h + b + c_next", 7,
                             r"`c` is not defined; if it is a state, declare it: c = State\(\)"),
    "an option that is none": (f"    V = Matrix(H, H, bias=False)\n{GOOD} + V @ h", 7,
                               "`bias=False`: .* first value"),
    "a member's value": (f"    b.f = 3\n{GOOD}", 7, r"`f` cannot be .*Vector\(H, f=1\)"),
    "a member's equation": ("    W.n = tanh(W @ x)\n    h_next = U @ h + b", 7, "plain name"),
    "behind a state": (f"    h.start = 1\n{GOOD}", 7, r"`h\.start = …`"),
    "behind a gate": (f"    f = tanh(h)\n    f.bias = 1\n{GOOD} + f", 8, r"`f\.bias = …`"),
    "a function in the body": (f"    def f(v): return v\n{GOOD}", 7, "define helpers above"),
    "an axis for nothing": (f'    Q = Axis("Q", "queue_size")\n{GOOD}', 3, "axis `Q` is never"),
    "a constant for nothing": (f"    alpha = 0.5\n{GOOD}", 3, "constant `alpha` is never used"),
    "a whole number, too": (f"    depth = 2\n{GOOD}", 3, "constant `depth` is never used"),
    "axes for nothing": (f"    both = (H, I)\n{GOOD}", 3, "shape `both` is never used"),
    "a tuple of axes and numbers": (f"    both = (H, 2)\n{GOOD}", 7, "`both` is a tuple"),
    "an option for nothing": (f'    m = Option("a", "b")\n{GOOD}', 3, "option `m` is never used"),
    "a constant beside an option": (f'    a, m = 0.5, Option("a", "b")\n{GOOD}', 3, "never used"),
    "a constant in a loop": (f"    for k in each(2):\n        a = 0.5\n{GOOD}", 3, "constant `a`"),
    "a function of math": (f"    s = math.exp(h)\n{GOOD} + s", 7, "those of math too"),
    "a value": (f"    s = float(h)\n{GOOD} + s", 7, "has no value while the body runs"),
    "an entry": (f"    s = h[0]\n{GOOD} + s", 7, "no entry of a vector"),
    "a row": (f"    s = W[0] @ x\n{GOOD} + s", 7, "no entry of a vector or a matrix"),
    "its length": (f"    s = mean(h) * len(h)\n{GOOD} + s", 7, "its axis, as H, is its size"),
    "a sum of NumPy's": (f"    s = np.sum(h)\n{GOOD} + s", 7, "NumPy's functions"),
    "one by keyword": (f"    s = np.sum(a=h)\n{GOOD} + s", 7, "NumPy's functions"),
    "a norm": (f"    s = np.linalg.norm(tanh(h))\n{GOOD} + s", 7, "NumPy's functions"),
    "a choice of NumPy's": (f"    s = np.where(h, h, 1)\n{GOOD} + s", 7, "NumPy's functions"),
    "a product of NumPy's": (f"    s = np.matmul(W, x)\n{GOOD} + s", 7, "NumPy's functions"),
    "one by its own name": (f"    s = numpy_sum(h)\n{GOOD} + s", 7, "NumPy's functions"),
    "an old value that nobody reads": (
        "    c = State()\n    h_next = tanh(W @ x + U @ h + b)\n    c_next = 2 * h_next",
        3, "old value of the state `c` is never read"),
    "a matrix as input": (f"    M = Input(H, I)\n{GOOD}", 7, "no second axis"),
    "a constant that is none": (f"    dt = float('nan')\n{GOOD} * dt", 7, "finite number, not nan"),
}  # fmt: skip


@pytest.fixture
def mine(tmp_path):
    def loaded(text, name="mine.py"):
        (tmp_path / name).write_text(text + "\n")
        return library.load(str(tmp_path / name))

    return loaded


@pytest.mark.parametrize("what", MISTAKES)
def test_what_to_write_instead(mine, what):
    body, line, says = MISTAKES[what]
    with pytest.raises(CellError, match=rf"mine\.py:{line}: .*{says}"):
        mine(HEAD + body)


@pytest.mark.parametrize("body", [
    GOOD, "    W @ x", "    h_next = tanh(h)", "    h_next = h + 1", "    a = W.T", "    V = -W",
    "    h_next = 2 * b", "    h_next = b", "    h_next = mean(h)",
])  # fmt: skip
def test_a_class_without_its_base(mine, body):
    with pytest.raises(CellError, match=r"class (Mine|MyCell)\(Cell\):"):
        mine(HEAD.replace("(Cell)", "") + body)


@pytest.mark.parametrize("formula", [
    "W @ x / I", "W @ x / sqrt(I)", "(1 + H) * h", "h * H**-0.5", "a * h", "h / maximum(I, H)",
])  # fmt: skip
def test_an_axis_in_a_formula_is_its_length(mine, formula):
    cell = mine(f"{HEAD}    {'a = H' if 'a *' in formula else ''}\n    s = {formula}\n{GOOD} + s")
    assert any(e.rhs.atoms(Size) for e in cell.equations)


def test_a_state_starts_at_a_float(mine):
    cell = mine(f"{HEAD}    c = State(start=2)\n    c_next = c / 2 + h\n{GOOD} + c")
    assert repr(cell.starts["c"]) == "2.0"


def test_numbers_of_numpy_and_math_are_numbers(mine):
    cell = mine(f"{HEAD}    s = np.float64(0.5) * math.pi * np.sqrt(4) * h\n{GOOD} + s")
    assert cell.quantities


def test_a_module_that_is_not_there(mine):
    with pytest.raises(CellError, match=r"mine\.py:1: there is no module called nowhere"):
        mine(f"import nowhere\n{HEAD}{GOOD}")


def test_but_not_another_class(mine):
    """One that declares nothing says what is wrong in it itself."""
    with pytest.raises(CellError, match=r"mine\.py:2: `nothing` is not defined"):
        mine(f"class Helper:\n    a = nothing\n{HEAD}{GOOD}")


def test_a_cell_is_no_base(mine):
    for base in ("LSTM", "Cell, LSTM"):
        with pytest.raises(CellError, match=r"mine\.py:3: a cell is no base: .* of LSTM out"):
            mine(f"from derive.cells.lstm import LSTM\nfrom derive.language import Cell\n"
                 f"class Mine({base}):\n    a = 1")  # fmt: skip


def test_what_another_choice_reads_is_not_for_nothing(mine):
    body = (
        '    way = Option("near", "far")\n    a, Q = 0.5, Axis("Q", "queue_size")\n'
        f"    if way == 'far':\n        h = a * h\n{GOOD}"
    )
    assert mine(HEAD + body.replace("        h = a * h", "        g = a * h")).name == "mine"


@pytest.mark.parametrize("setting", ["dt=nan", "dt=inf", "dt=-inf", "dt=1e999"])
def test_a_constant_is_finite(setting):
    with pytest.raises(CellError, match=r"constant `dt` is a finite number, not (nan|-?inf)"):
        library.load(f"cornn:{setting}")


@pytest.mark.parametrize("name", ["numpy", "math", "zipfile", "random", "typing", "string"])
def test_a_module_that_would_hide_pythons_own(mine, name):
    cell = mine(HEAD + GOOD, f"{name}.py")
    with pytest.raises(CellError, match=rf"{name}\.py would hide"):
        compiler.generate(cell)
    assert compiler.generate(cell, "markdown") and compiler.generate(cell, "javascript")


@pytest.mark.parametrize("name", ["torch", "jax", "flax"])
def test_a_module_that_would_hide_what_it_needs(mine, name):
    cell = mine(HEAD + GOOD, f"{name}.py")
    with pytest.raises(CellError, match=rf"{name}\.py would hide"):
        compiler.generate(cell, name)
    assert compiler.generate(cell, "numpy")


def test_a_file_that_lies_where_the_command_runs_is_not_imported(tmp_path):
    for name in ("numpy", "sympy", "random", "click", "rich"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')\n")
    result = subprocess.run(
        [sys.executable, "-m", "derive", "show", "rnn"], cwd=tmp_path, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def test_a_quantity_is_still_kept_and_copied():
    one = Quantity("a", (H,))
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(CellError, match=r"`a\.b = …`"):
        one.b = 1


def test_a_formula_that_is_nested_too_deeply_is_one_line(tmp_path):
    path = tmp_path / "deep.py"
    nested = "tanh(" * 190 + "h" + ")" * 190
    path.write_text(f"{HEAD}    h_next = W @ x + U @ h + b + {nested}\n")
    code = "import sys; sys.setrecursionlimit(400)\nfrom derive.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "show", str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1, result.stderr
