"""What the atlas says of a cell: its source, its story as numbers, and what cannot be shown."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from some_cells import sampled

from derive import cli
from derive.display.derivation import textbook
from derive.display.mathml import MathML
from derive.display.show import print_cell
from derive.display.trace.steps import Teller
from derive.evaluation.trace import trace
from derive.language import Cell, H, I, Input, Matrix, State, sigmoid, sqrt, tanh
from derive.library import FOLDER, load, names
from derive.nodes import CellError, Quantity
from derive.site.brief import brief
from derive.site.build import files
from derive.site.code import source
from derive.site.facts import Facts
from derive.site.story import story, tree


@pytest.mark.parametrize("name", sampled(names()))
def test_the_source_is_the_file_s(name):
    first, *lines = source(load(name)).splitlines()
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert first.startswith("class ") and first in text
    assert "\n".join(lines) in text and '"""' not in "\n".join(lines)


def test_options_do_not_change_the_source():
    assert source(load("gru:reset=after")) == source(load("gru"))


def test_a_file_with_a_library_s_name_has_its_own_equations(tmp_path):
    path = tmp_path / "rnn.py"
    text = (FOLDER / "rnn.py").read_text(encoding="utf-8")
    path.write_text(text.replace("h_next = ", "h_next = 2 * "), encoding="utf-8")
    own = load(str(path))
    assert own.name == "rnn" and own.equations != load("rnn").equations
    assert source(own) == "h_next = 2 * tanh(W @ x + U @ h + b)"


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_peephole", "mut1"])
def test_a_tree_has_its_formula_s_value(name):
    """Read here as a page reads it, with one unit, and held to the evaluated equations."""
    traced = trace(load(name), [0.7, -0.4], seed=3)
    known = {q: float(value[1].ravel()[0]) for q, value in traced.values.items()}
    known |= {q: float(value.ravel()[0]) for q, value in traced.weights.items()}
    operations = {
        "+": lambda *terms: sum(terms),
        "*": lambda *factors: np.prod(factors),
        "^": pow,
        "MatVec": lambda a, b: a * b,
        "tanh": np.tanh,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    }

    def value(tree):
        if isinstance(tree, list):
            return operations[tree[0]](*map(value, tree[1:]))
        return known[tree] if isinstance(tree, str) else tree

    book = textbook(traced.derivation)
    parts = [p for step in Teller(book, MathML(book).terms).tell() for p in step.parts if p.part]
    assert parts
    for part in parts:
        found = value(json.loads(json.dumps(tree(part.part))))
        assert found == pytest.approx(traced.value(part.part, 1).item(), rel=1e-14)
    rows = [text for _, rows in story(book) for _, text in rows if text]
    assert rows == [json.dumps(tree(part.part)) for part in parts]


def test_a_tree_has_every_operation():
    x, y = Quantity("x"), Quantity("y")
    assert tree(tanh(x)) == ["tanh", "x"] and tree(x + 2) == ["+", 2.0, "x"]
    assert tree(x**2) == ["^", "x", 2.0] and tree(1 / x) == ["^", "x", -1.0]
    assert tree(x * y) == ["*", "x", "y"]


def test_teaching_values_are_the_sources():
    """One unit: 1 for the input's weights, 2 for the states', 0 for biases."""
    taught = {p["name"]: p["teaching"] for p in brief(load("lstm"))["parameters"]}
    assert {taught[f"W_{gate}"] for gate in "ifgo"} == {1}
    assert {taught[f"U_{gate}"] for gate in "ifgo"} == {2}
    assert {taught[f"b_{gate}"] for gate in "ifgo"} == {0}


def test_a_gradient_that_cannot_be_followed_is_said_to_be():
    """A root of zero, where this cell starts and stays, has no derivative."""

    class Stuck(Cell):
        x, h = Input(), State()
        W = Matrix(H, I)

        h_next = sqrt(h) * sigmoid(W @ x)

    facts = Facts(Stuck)
    assert facts.flow == "" and "derivatives are not finite" in facts.followed
    made = files([Stuck], print)
    page = made["cells/stuck.html"]
    assert "cannot be followed" in page and "derivatives are not finite" in page
    assert not [path for path in made if path.endswith("-flow.svg")]


def test_without_matplotlib_there_is_no_site(tmp_path, monkeypatch):
    """Nothing is left out in silence: one sentence says what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CellError, match="pip install"):
        _ = Facts(load("rnn")).flow
    result = CliRunner().invoke(cli.main, ["docs", "rnn", "-o", str(tmp_path / "out")])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_first_values_are_one_word_everywhere(capsys):
    cell = load("lstm")
    said = {name: start for name, _, start in Facts(cell).quantities}
    assert (said["b_f"], said["b_i"], said["W_f"]) == ("1", "0", "random")
    assert said["h"] == "0 before the first step"
    print_cell(cell)
    assert "b_f = 1" in capsys.readouterr().out
