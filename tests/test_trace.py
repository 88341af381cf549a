"""The worked example: its numbers against code that shares nothing with them, and how it is
told."""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import unicodedata
import xml.dom.minidom
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner
from some_cells import VECTORS, every, sampled
from written_cells import READABLE, UNPLEASANT

import derive
from derive import cli
from derive.adjoint import adjoint
from derive.compiler import module
from derive.display.derivation import Mean, Minimum, textbook
from derive.display.formula import plain
from derive.display.trace import html, latex
from derive.display.trace.bounds import is_within_one, multiplied
from derive.display.trace.numbers import figure, percentage
from derive.display.trace.printers import computable
from derive.display.trace.sources import examples
from derive.display.trace.tell import backwards, forwards, tell
from derive.display.trace.telling import TELLINGS, in_letters, in_words
from derive.display.trace.terminal import Page
from derive.display.unicode import Unicode, columns
from derive.evaluation.arrays import FUNCTIONS, evaluate
from derive.evaluation.inputs import arrays
from derive.evaluation.trace import trace
from derive.library import load, names
from derive.nodes import CellError, H, I, Quantity
from derive.proof.trial import Trial

EVERY = [*map(load, names()), *READABLE, *UNPLEASANT]
HOSTILE = '''
from derive.language import Cell, H, I, Input, Matrix, State, tanh


class Hostile(Cell):
    """<script>alert(1)</script> \\\\input{/etc/passwd}"""

    x = Input()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    h_next = tanh(W @ x + U @ h)
'''


FLAT = """\
a = W @ x + U @ h
    h_next = h + sign(a)"""


def run(*arguments, exit_code=0):
    result = CliRunner().invoke(cli.main, ["trace", *map(str, arguments)])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.output


def refused(*arguments):
    """The one line that says what is wrong."""
    result = CliRunner().invoke(cli.main, ["trace", *map(str, arguments)])
    assert result.exit_code == 2 and result.stdout == "", (result.output, result.exception)
    (line,) = result.stderr.splitlines()
    return line


def sizes(cell, n):
    """All sizes n but the number of inputs, which is 1 where it may be."""
    return {axis.letter: n for axis in cell.axes if axis is not I or cell.input_is_wide}


# --- the numbers ---------------------------------------------------------------------------------


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", sampled(EVERY))
def test_numbers_are_the_generated_modules(cell):
    """Forward and backward, at a random point with several sequences and no two sizes alike."""
    made = Trial(cell)
    point = made.point
    target = made.dys
    xs = dict(zip((q.name for q in cell.inputs), arrays(point.xs), strict=True))
    traced = trace(cell, xs, dict(point.params), point.state._asdict(), target=target)
    ys, final, tape = made.module.forward(point.params, point.xs, point.state)
    dparams, dxs, dstate = made.module.backward(point.params, tape, ys - target)
    close(traced.values[cell.output.name], ys)
    for state, new in cell.updates.items():
        close(traced.values[new.name][-1], final[cell.states.index(state)])
        close(traced.adjoints[state.name][0], dstate[cell.states.index(state)])
    for name, own in zip(xs, arrays(dxs), strict=True):
        close(traced.adjoints[name], own)
    for name, gradient in dparams.items():
        close(traced.adjoints[name], gradient)
    assert traced.loss.value == pytest.approx(np.sum((ys - target) ** 2) / 2, rel=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_functions_are_the_textbooks(function):
    """At kinks, too, where a random point never is."""
    (count,) = function.nargs
    for place in product([-1.5, 0.0, 1.5], repeat=count):
        lowest = {"log": 0, "sqrt": 0, "log1p": -1}.get(function.__name__, -2)
        if place[0] <= lowest:
            continue
        want = complex(function.textbook(*map(sp.Rational, map(str, place))).evalf(17)).real
        got = FUNCTIONS[function](*(np.array([value]) for value in place))
        assert got[0] == pytest.approx(want, rel=1e-15)


def test_what_is_written_for_a_reader_has_its_value():
    """Means and minima, which only a reader's equations have."""
    v, w = Quantity("v", (H,)), Quantity("w", (H,))
    values = {v: np.array([[1.0, 4.0]]), w: np.array([[3.0, 2.0]])}
    assert evaluate(computable(Mean(v * w)), values, {H: 2}) == pytest.approx(5.5)
    np.testing.assert_array_equal(evaluate(computable(Minimum(v, w)), values, {H: 2}), [[1, 2]])
    np.testing.assert_array_equal(evaluate(computable(v + Mean(w)), values, {H: 2}), [[3.5, 6.5]])


@pytest.mark.parametrize("name", sampled(VECTORS))
def test_options_count(name):
    """Each choice of each option is another cell, and is traced as that."""
    for setting in load(name).options:
        for choice in setting.choices:
            cell = load(name, {setting.name: choice})
            made = Trial(cell)
            point = made.point
            traced = trace(cell, point.xs, dict(point.params), point.state._asdict())
            close(traced.values[cell.output.name], made.ys)


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_projection", "sru", "unicornn"])
def test_adjoints_are_central_differences(name):
    """Of the sum of all outputs by each weight, each input and each old state: an oracle that no
    derivation went into."""
    cell = load(name)
    xs = np.array([[0.5], [-1.0], [2.0]]) * np.ones(2 if cell.input.axes == (H,) else 1)
    base = trace(cell, xs, seed=1, sizes=sizes(cell, 2))
    start = {s.name: base.values[s.name][0, 0] for s in cell.states}

    def loss(weights, xs, state):
        return trace(cell, xs, weights, state).loss.value

    step = 1e-6
    for name, array in base.weights.items():
        for place in np.ndindex(array.shape):
            moved = np.zeros_like(array)
            moved[place] = step
            up, down = ({**base.weights, name: array + s * moved} for s in (1, -1))
            slope = (loss(up, xs, start) - loss(down, xs, start)) / (2 * step)
            assert base.adjoints[name][place] == pytest.approx(slope, abs=1e-7)
    for state in start:
        moved = np.zeros_like(start[state])
        moved[0] = step
        up, down = ({**start, state: start[state] + s * moved} for s in (1, -1))
        slope = (loss(base.weights, xs, up) - loss(base.weights, xs, down)) / (2 * step)
        assert base.adjoints[state][0, 0, 0] == pytest.approx(slope, abs=1e-7)
    moved = np.zeros_like(xs)
    moved[1, 0] = step
    slope = loss(base.weights, xs + moved, start) - loss(base.weights, xs - moved, start)
    assert base.adjoints[cell.input.name][1, 0, 0] == pytest.approx(slope / (2 * step), abs=1e-7)


@pytest.mark.parametrize("name", sampled(VECTORS))
def test_a_seed_draws_what_init_draws(name):
    cell = load(name)
    lengths = sizes(cell, 3) | {"I": 3}
    made = module(cell).init(np.random.default_rng(5), *(lengths[a.letter] for a in cell.axes))
    traced = trace(cell, np.ones((1, 3)), seed=5, sizes=lengths)
    assert list(made) and all(np.array_equal(made[k], traced.weights[k]) for k in made)


def test_what_is_not_given_is_drawn_or_zero():
    cell = load("lstm")
    drawn, given = trace(cell, [1.0]), trace(cell, [1.0], {"W_f": 2})
    both = trace(cell, [1.0], {"W_f": 2}, seed=0)
    assert drawn.seed == 0 and drawn.weights["b_f"] == 1 and drawn.weights["W_i"] != 0
    assert given.weights["W_f"] == 2 and given.weights["b_f"] == given.weights["W_i"] == 0
    assert both.weights["W_f"] == 2 and both.weights["W_i"] == drawn.weights["W_i"]
    assert trace(load("slstm"), [1.0]).values["m"][0, 0, 0] == -1e30  # where the cell starts it


def test_a_number_fills_and_shapes_say_the_sizes():
    traced = trace(load("lstm"), [1.0, 2.0], {"b_f": [1, 2, 3], "W_f": 4}, sizes={"I": 2})
    assert traced.weights["W_f"].shape == (3, 2) and np.all(traced.weights["W_f"] == 4)
    assert traced.values["x"].shape == (2, 1, 2) and np.all(traced.values["x"][1] == 2)
    assert traced.values["f"].shape == (2, 1, 3) and traced.adjoints["U_f"].shape == (3, 3)


def test_nothing_comes_of_no_steps():
    traced = trace(load("lstm"), np.zeros((0, 2, 1)), sizes={"H": 3})
    assert traced.values["h_next"].shape == (0, 2, 3)
    assert traced.adjoints["W_f"].shape == (3, 1) and not traced.adjoints["W_f"].any()


def test_what_the_loss_does_not_depend_on_has_the_adjoint_zero(tmp_path):
    path = tmp_path / "steps.py"
    path.write_text(HOSTILE.replace("tanh", "sign").replace("h_next = sign(W @ x + U @ h)", FLAT))
    traced = trace(load(str(path)), [1.0, 2.0], {"W": 1, "U": 2})
    assert "a" in traced.adjoints and not traced.adjoints["a"].any()
    assert not traced.adjoints["W"].any() and traced.adjoints["h"].any()
    assert "ā = 0" in unicodedata.normalize("NFC", run(path, 1, "--backward"))


def test_what_overflows_shows_without_a_warning():
    traced = trace(load("slstm:forget=exp"), [1e4, -1e4, np.nan], {"W_i": 1, "W_f": 1})
    assert np.isnan(traced.values["h_next"][2]).all()
    assert "NaN" in "".join(text for text, _ in lines_of(tell(traced)))


# --- how it is told ------------------------------------------------------------------------------


def lines_of(story, width=80):
    """A story's lines in the terminal, each with its style."""
    for spans in Page(story, width).lines():
        yield "".join(text for text, _ in spans), spans[0][1] if spans else ""


def headings(story):
    return [line.strip() for line, style in lines_of(story) if style == "italic"]


@pytest.mark.parametrize("cell", sampled(EVERY))
@pytest.mark.parametrize("telling", TELLINGS)
def test_every_equation_is_told_once_a_step(cell, telling):
    story = tell(trace(cell, [1.0, 2.0]), TELLINGS[telling], (forwards, backwards))
    told = [
        line.equation.lhs
        for section in story.sections
        for line in section.lines
        if getattr(line, "part", None) is None
    ]
    book = story.book
    for equation in (*book.forward, *book.adjoints, *book.back, *book.inputs):
        assert told.count(equation.lhs) == 2, equation
    for equation in book.parameters:
        assert told.count(equation.lhs) == 1, equation


@pytest.mark.parametrize("cell", sampled(EVERY))
def test_nothing_is_used_before_it_is_told(cell):
    """In words, too: what an equation reads was given, or stands above it."""
    story = tell(trace(cell, [1.0]), in_words)
    known = {*cell.parameters, *cell.states, *cell.given}
    for line in (line for section in story.sections for line in section.lines):
        expr = line.equation.rhs if line.part is None else line.part
        assert {q for q in expr.free_symbols if hasattr(q, "axes")} <= known, line.equation
        if line.part is None:
            known.add(line.equation.lhs)


SEVEN = """
1. The share of the old long memory to keep
2. The candidate for the long memory
3. The share of the candidate to let in
4. The long memory updated: the sum of steps 1 and 3
5. The candidate for the short memory
6. The share of it to let out
7. The short memory updated: the product of steps 5 and 6
""".strip().splitlines()


@pytest.mark.parametrize("name", ["lstm", "lstm_peephole", "lstm_coupled", "lstm_valves"])
def test_the_lstm_is_told_in_the_seven_steps(name):
    story = tell(trace(load(name), [1.0]), in_words)
    assert headings(story) == SEVEN


def test_the_gru_and_the_simple_rnn_have_one_memory():
    assert headings(tell(trace(load("gru"), [1.0]), in_words)) == [
        "1. The share of the old memory to keep",
        "2. The share of the old memory to let through",
        "3. The candidate for the memory",
        "4. The share of the candidate to let in",
        "5. The memory updated: the sum of steps 1 and 4",
    ]
    assert headings(tell(trace(load("rnn"), [1.0]), in_words)) == ["1. The new memory"]


def test_the_names_of_a_cell_do_not_matter(tmp_path):
    """The LSTM under other names, its equations in another order, is told in the same steps."""
    path = tmp_path / "mine.py"
    path.write_text('''
from derive.language import Cell, H, I, Input, Matrix, State, sigmoid, tanh


class Mine(Cell):
    """A cell."""

    word = Input()
    said, known = State(), State()
    A, B = Matrix(H, I), Matrix(H, H)

    out = sigmoid(A.out @ word + B.out @ said)
    news = tanh(A.news @ word + B.news @ said)
    entry = sigmoid(A.entry @ word + B.entry @ said)
    hold = sigmoid(A.hold @ word + B.hold @ said)
    known_next = news * entry + known * hold
    said_next = tanh(known_next) * out
''')
    steps = [heading[3:] for heading in headings(tell(trace(load(str(path)), [1.0]), in_words))]
    seven = {line[3:].replace("steps 1 and 3", "steps 2 and 3") for line in SEVEN}
    assert {*steps} == seven and len(steps) == 7


def test_what_a_gate_does_is_said():
    text = run("lstm", 1, "--weight", "W_f=1", "--weight", "U_f=2", "--state", "h=1",
               "--state", "c=2", "--words", "memory")  # fmt: skip
    assert "keeps 95.3 % of the old long memory c" in text
    assert "lets in 50.0 % of g" in text and "lets out 50.0 % of tanh(c′)" in text
    assert "between −1 and 1, whatever the weights" in text
    gru = run("gru", 1, "--words", "memory", "--weight", "b_z=3", "--state", "h=0.5")
    assert "keeps 4.7 % of the old memory h" in gru and "lets in 95.3 % of n" in gru
    assert "lets through 50.0 % of the old memory h" in gru


@pytest.mark.parametrize("name", sampled(VECTORS))
def test_only_what_is_bounded_is_said_to_be(name):
    """With large weights, inputs and states, what is said to lie between -1 and 1 does."""
    cell = load(name)
    book = textbook(adjoint(cell))
    bounded = {e.lhs for e in book.forward if is_within_one(cell, e)}
    made = Trial(cell)
    state = {s: 20 * array for s, array in made.point.state._asdict().items()}
    weights = {k: 20 * array for k, array in made.point.params.items()}
    traced = trace(cell, 20 * made.point.xs, weights, state)
    for quantity in bounded:
        assert np.nanmax(np.abs(traced.values[quantity.name])) <= 1


def test_nothing_times_anything_is_nothing():
    inf = float("inf")
    assert multiplied((0, 0), (-inf, inf)) == (0, 0) and multiplied((0, inf), (0, 1)) == (0, inf)
    assert multiplied((-1, 1), (0, 1)) == (-1, 1) and multiplied((-2, 1), (-3, 1)) == (-3, 6)


def test_what_is_bounded_is_known():
    """A share of a tanh is; a GRU's memory is not, which may start anywhere."""
    for name, words in {"lstm": "h′", "lstm_peephole": "h′", "rnn": "h′", "gru": ""}.items():
        story = tell(trace(load(name), [1.0]), in_words)
        said = [line for line, _ in lines_of(story, 120) if "whatever the weights" in line]
        assert len(said) == bool(words) and all(line.strip().startswith(words) for line in said)


# --- how it looks --------------------------------------------------------------------------------

STEP = """\
Step t = 0
    x = −1,  h = 1,  c = 0
    a_f = W_f x + U_f h + b_f = 1·(−1) + 2·1 + 0 = 1
      f = σ(a_f) = σ(1) = 0.731059   (73.1 % open)
"""


def test_a_step_reads_as_it_should():
    text = run("lstm", -1, "--weight", "W_f=1", "--weight", "U_f=2", "--state", "h=1")
    for line in STEP.splitlines():
        assert f"{line}\n" in text
    assert "\nWeights: those not given are 0\n" in text


def test_the_signs_are_explained_in_the_letters_of_the_cell():
    """And those that do not occur are not: the simple network has no product entry by entry."""
    flat = " ".join(run("lstm", 1, "--backward").split())
    assert "σ(a_i) = 1 / (1 + exp(−a_i)), h′ is the new value of h" in flat
    assert "f ∘ c is a product entry by entry" in flat
    bar = unicodedata.normalize("NFD", "h̄′")
    flat = unicodedata.normalize("NFD", flat)
    assert f"with respect to a quantity: {bar} is that of h′." in flat
    assert f"{bar}[next] is what the next step has handed back" in flat
    simple = run("rnn", 1)
    assert "h′ is the new value of h." in simple and "∘" not in simple and "adjoint" not in simple
    page = run("lstm", 1, "--backward", "--latex")
    assert "$h_t$ is the new value of $h_{t-1}$" in page
    assert r"$U_f^{\top}$ is the transpose of $U_f$" in page


def test_the_words_of_the_story_are_explained():
    flat = " ".join(run("lstm", 1, "--words", "memory").split())
    assert "Long memory: c, to which each step adds. Short memory: h, computed anew." in flat
    assert "A candidate is what a step proposes for a memory." in flat
    assert "candidate" not in run("rnn", 1, "--words", "memory")


def test_backwards_reads_as_it_should():
    text = run("rnn", 1, 2, "--weight", "W=1", "--weight", "U=-2", "--target", "0.5")
    assert "Backwards: derivatives of the loss, ½ Σ |y − target|², which is" in text
    assert text.index("Back through step t = 1") < text.index("Back through step t = 0")
    text = unicodedata.normalize("NFC", text)
    assert "      h̄ = Uᵀ ā_h = (−2)·0.147852 = −0.295704\n" in text
    assert "    Ū = Σ ā_h hᵀ = 0 + (−0.0344451) = −0.0344451\n" in text
    assert "the sum of all outputs" in run("rnn", 1, "--backward")
    assert "Back" not in run("rnn", 1)


def test_numbers_are_short_and_say_what_they_are():
    shown = {0.9525741: "0.952574", -1e-12: "−1e−12", 3.0: "3", -0.0: "0", 1e20: "1e20",
             0.99999999: "1.00000", -0.99999999: "−1.00000", 1.0: "1",
             float("nan"): "NaN", float("-inf"): "−∞"}  # fmt: skip
    assert {figure(x) for x in shown} == set(shown.values())
    assert [percentage(x) for x in (0, 1e-6, 0.5, 0.999999, 1)] == [
        "0.0 %", "less than 0.1 %", "50.0 %", "more than 99.9 %", "100.0 %"
    ]  # fmt: skip


def test_long_vectors_and_long_series_are_cut_and_say_so():
    text = run("gru", *range(1, 21), "--size", "H=9")
    assert "Steps t = 3 to 17 are left out" in text and "Step t = 18\n" in text
    assert re.search(r"h = \[0, 0, 0, …, 0\]", text)
    whole = run("gru", *range(1, 21), "--all")
    assert "left out" not in whole and all(f"Step t = {t}\n" in whole for t in range(20))
    assert "left out" not in run("gru", *range(6)) and "to 4" not in run("gru", *range(6))
    assert "Steps t = 3 to 4 are left out" in run("gru", *range(7))


@pytest.mark.parametrize("cell", sampled([*map(load, names()), *READABLE]))
def test_it_fits_a_terminal(cell):
    story = tell(trace(cell, [1.0, -2.0], sizes=sizes(cell, 6)), in_words, (forwards, backwards))
    for width in (80, 120):
        assert max(columns(plain(line)) for line, _ in lines_of(story, width)) <= width


@pytest.mark.parametrize("cell", sampled(EVERY))
def test_the_page_is_well_formed_and_needs_nothing(cell):
    page = html.document([tell(trace(cell, [1.0]), in_words, (forwards, backwards))])
    closed = re.sub(r"<meta ([^>]*)>", r"<meta \1/>", page.removeprefix("<!DOCTYPE html>"))
    document = xml.dom.minidom.parseString(closed)
    assert "http" not in page and "<script" not in page and "src=" not in page
    marked = {e.getAttribute("data-q") for e in document.getElementsByTagName("div")}
    assert {e.lhs.name for e in cell.equations} <= marked


def test_what_an_author_writes_is_text(tmp_path):
    page = html.Page(tell(trace(load("rnn"), [1.0])))
    assert page.text(("a < b",)) == "a &lt; b"
    path = tmp_path / "hostile.py"
    path.write_text(HOSTILE)
    for form in ("--html", "--latex", "--standalone", "--json"):
        text = run(path, 1, form)
        assert "<script" not in text and "input{/etc" not in text


@pytest.mark.parametrize("name", ["lstm", "slstm", "rhn"])
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_the_document_compiles(name, tmp_path):
    cell = load(name)
    story = tell(trace(cell, [1.0, -2.0], sizes=sizes(cell, 5)), in_words, (forwards, backwards))
    (tmp_path / "a.tex").write_text(latex.document([story]))
    result = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-2000:]
    assert "Overfull" not in (tmp_path / "a.log").read_text(errors="replace")


def test_latex_has_the_same_numbers():
    text = run("lstm", -1, "--weight", "W_f=1", "--weight", "U_f=2", "--state", "h=1", "--latex")
    assert r"1 \cdot (-1) + 2 \cdot 1 + 0 = 1 \\" in text
    assert r"\sigma(1) = 0.731059 \quad \text{(73.1 \% open)}" in text
    assert r"\begin{document}" not in text
    tiny = run("rnn", 1, "--weight", "b=1e-9", "--latex")
    assert r"1 \cdot 10^{-9}" in tiny


def test_it_shows_itself_in_a_notebook():
    traced = derive.trace(load("lstm"), [1.0, -1.0], {"W_f": 1})
    shown = traced._repr_html_()
    assert shown.startswith('<div class="trace">') and "Step t = 1" in shown
    assert traced.values["f"].shape == (2, 1, 1)


# --- what is given -------------------------------------------------------------------------------


def test_json_is_what_was_computed():
    data = json.loads(run("gru:reset=after", 1, -1, "--size", "H=2", "--json"))
    traced = trace(load("gru:reset=after"), [1.0, -1.0], sizes={"H": 2})
    assert data["options"] == {"reset": "after"} and data["steps"] == 2 and data["seed"] == 0
    assert data["sizes"] == {"input_size": 1, "hidden_size": 2}
    for kind in ("weights", "values", "adjoints"):
        found = getattr(traced, kind)
        assert set(data[kind]) == set(found)
        for name, array in found.items():
            np.testing.assert_array_equal(np.array(data[kind][name]), array)
    assert json.loads(run("rnn", 1, "--weight", "W=1e308", "--weight", "U=1e308", "--json"))


def test_weights_come_from_files(tmp_path):
    made = module(load("lstm")).init(np.random.default_rng(2), 2, 3)
    made.save(tmp_path / "w.npz")
    (tmp_path / "w.json").write_text(json.dumps({k: v.tolist() for k, v in made.items()}))
    rows = [
        [name, *map(repr, map(float, row))]
        for name, array in made.items()
        for row in np.atleast_2d(array)
    ]
    (tmp_path / "w.csv").write_text("\n".join(map(",".join, rows)))
    for ending in ("npz", "json", "csv"):
        data = json.loads(run("lstm", "1,2", "--weights", tmp_path / f"w.{ending}", "--json"))
        for name, array in made.items():
            np.testing.assert_array_equal(np.array(data["weights"][name]), array)
    one = run("lstm", "1,2", "--weights", tmp_path / "w.npz", "--weight", "b_f=7", "--json")
    assert json.loads(one)["weights"]["b_f"] == [7, 7, 7]


def test_a_series_comes_from_a_file(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("month,price,sold\nJan,1,-2\nFeb,3,4.5\n")
    data = json.loads(run("gru", path, "--column", "sold", "--column", "price", "--json"))
    assert data["values"]["x"] == [[[-2, 1]], [[4.5, 3]]]
    path.write_text("5\n\n4\n3\n")
    assert json.loads(run("gru", path, "--json"))["values"]["x"] == [[[5]], [[4]], [[3]]]


BAD = {
    ("x",): "'x' is not a number",
    ("nan",): "'nan' is not a finite number",
    ("1,2", "3"): "step 1 has 1 entries, and step 0 has 2",
    ("1", "--wieght", "2"): "No such option: --wieght",
    ("1", "--weight", "q=1"): "no parameter is called 'q'; there are W_i",
    ("1", "--weight", "b_f"): "'b_f' gives no value: write NAME=VALUE",
    ("1", "--weight", "U_f=1,2;3"): "the rows of '1,2;3' are not equally long",
    ("1", "--weight", "b_f=1,2;3,4"): "b_f has shape (H,), which an array of shape (2, 2)",
    ("1", "--weight", "b_f=1,2", "--size", "H=3"): "H is 2, but H is 3, as it was set",
    ("1", "--weight", "b_f=1,2", "--weight", "b_i=1,2,3"): "H is 3, but H is 2, as b_f has it",
    ("1", "--state", "z=1"): "no state is called 'z'; there are h, c",
    ("1", "--size", "Q=1"): "no size is called 'Q'; there are I, H",
    ("1", "--size", "H=0"): "the size H must be at least 1",
    ("1", "--size", "H=x"): "'H=x' gives no size: write AXIS=N",
    ("1", "2", "3", "--target", "1 2"): "the target has shape (2, 1, 1), and the outputs",
    ("1", "--column", "a"): "columns are those of a CSV file",
    ("nowhere.csv",): "nowhere.csv: No such file",
    ("1", "--weights", "w.txt"): "read from files that end in .npz, .json, .csv",
    ("--example", "series"): "the examples bring their own cell: leave out lstm",
}


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_what_is_wrong_is_said_in_a_line(arguments):
    assert BAD[arguments] in refused("lstm", *arguments)


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("w.json", "[1]", "must have an object"),
        ("w.json", "{", "is no JSON file"),
        ("w.json", '{"b_f": "one"}', "the value of parameter 'b_f' is not made of numbers"),
        ("w.json", '{"U_f": [[1], [2, 3]]}', "the value of parameter 'U_f' is not made of numbers"),
        ("w.csv", "b_f", "no value for 'b_f'"),
        ("w.csv", "day,sold\n1,2", "row of 'day': 'sold' is not a number"),
        ("w.csv", "U_f,1\nU_f,1,2", "the rows of 'U_f' are not equally long"),
        ("w.csv", "b_f,a", "'a' is not a number"),
        ("w.npz", "nothing", "is no .npz file"),
    ],
)
def test_bad_files_of_weights(name, text, words, tmp_path):
    (tmp_path / name).write_text(text)
    assert words in refused("lstm", 1, "--weights", tmp_path / name)


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    np.savez(tmp_path / "w.npz", b_f=np.array([print], dtype=object))
    assert "is no .npz file" in refused("lstm", 1, "--weights", tmp_path / "w.npz")


@pytest.mark.parametrize(
    "text, more, words",
    [
        ("1,2\n3\n", (), "row 2 has 1 entries, and row 1 has 2"),
        ("a,b\n1,2\n3\n", ("--column", "b"), "row 2 has 1 entries, and row 1 has 2"),
        ("a\n1,2\n", ("--column", "b"), "the names of 1 columns and rows of 2 entries"),
        ("a,b\n1,x\n", (), "row 1: 'x' is not a number"),
        ("a,b\n1,2\n", ("--column", "c"), "no column 'c'; it has a, b"),
        ("a,b\n", (), "has no rows of numbers"),
        ("", (), "has no rows of numbers"),
    ],
)
def test_bad_series(text, more, words, tmp_path):
    (tmp_path / "s.csv").write_text(text)
    assert words in refused("lstm", tmp_path / "s.csv", *more)


def test_bad_arguments_from_python():
    cell = load("lstm")
    for arguments, words in [
        (([[[[1.0]]]],), "must have shape"),
        ((["a"],), "must be numbers"),
        (([1.0], {"W_f": "x"}), "not made of numbers"),
        (
            (np.ones((2, 3, 1)), None, {"h": np.ones((2, 1))}),
            "for 2 sequences, and the series has 3",
        ),
    ]:
        with pytest.raises(CellError, match=words):
            trace(cell, *arguments)
    with pytest.raises(CellError, match="must not be negative"):
        trace(cell, [1.0], seed=-1)


# --- the page about it ---------------------------------------------------------------------------

PAGE = Path(__file__).parent.parent / "docs" / "trace.md"


def test_the_page_shows_what_the_command_prints(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    blocks = re.findall(r"```\n\$ derive trace ([^\n]*)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 4
    for arguments, shown in blocks:
        assert run(*shlex.split(arguments)) == shown


def test_the_session_gives_what_it_shows():
    failures, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried >= 6 and failures == 0


@every
def test_same_bytes_under_any_hash_seed():
    texts = set()
    for seed in "0123":
        more = ("nas", "1", "2", "--words", "memory", "--backward", "--html")
        result = subprocess.run(
            [sys.executable, "-m", "derive", "trace", *more], cwd=PAGE.parent.parent,
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True,
        )  # fmt: skip
        texts.add(result.stdout)
    assert len(texts) == 1


# --- the sources ---------------------------------------------------------------------------------

# The last column of the table of the source's worked numbers: argument and value.
RIGHT = {
    "forget-related": (3, 0.952574),
    "forget-opposed": (1, 0.731059),
    "candidate-positive": (3, 0.995055),
    "candidate-negative": (-3, -0.995055),
    "candidate-opposed": (1, 0.761594),
    "candidate-cancelling": (0, 0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_worked_numbers_are_right(name):
    (data,) = json.loads(run("--example", name, "--json"))
    assert list(data["right"].values()) == pytest.approx(RIGHT[name], abs=5e-7)
    argument, value = map(figure, data["right"].values())
    text = run("--example", name)
    assert f"= {argument}\n" in text and f" = {value}" in text and data["printed"] in text
    assert "  ".join(text.split()).count(value) >= 2  # in the equation, and in what is said


def test_right_values_are_computed_not_stored():
    """No digit of a right value that is not printed in the source stands in the file."""
    from derive.display.trace.sources import FILE

    text = FILE.read_text()
    for _, value in RIGHT.values():
        assert str(abs(value))[:6] not in text or value == 0


def test_each_misprint_is_explained():
    text = " ".join(run("--sources").split())
    for words in (
        "The argument is 3: 21.0 is a misprint.",
        "With these weights the argument is 1, not 0, and the gate is 0.731059",
        "The argument is 0 where both weights are equal; there the gate is 0.5, as printed.",
        "has the weights swapped. As they are stated the argument is 1, and the new memory 0.7615",
        "short memory −1 and input 1 give −0.761594",
        "the 10 is a misprint. The argument is 0, and the new memory 0",
        "the 2.0 is a picture, not a result",
        "the 3.0 takes four steps at least",
    ):
        assert words in text, words
    assert len(examples()) == 7
    assert refused("--example", "foo").endswith("candidate-cancelling, series")


def test_the_series_is_fed_and_the_next_predicted():
    text = run("--example", "series")
    assert [line.strip() for line in text.splitlines() if re.match(r"\s+\d\. ", line)] == SEVEN * 3
    traced = examples()[-1].trace()
    assert traced.values["x"][0] == 5 and traced.values["c"][0] == traced.values["h"][0] == 0
    predicted = figure(traced.values["h_next"][-1].item())
    assert f"After t2 the short memory, {predicted}, is the prediction of t3." in " ".join(
        text.split()
    )


def test_a_long_memory_of_three_takes_four_steps():
    """The claim in the file, with the widest gates and the largest candidates there are."""
    most = trace(load("lstm"), np.ones(4), dict.fromkeys(("b_f", "b_i", "b_g"), 1000.0))
    c = most.values["c_next"].ravel()
    assert c[2] <= 3 and c[3] > 3


def test_the_sources_in_every_form():
    for form in ("--latex", "--standalone", "--html"):
        text = run("--sources", form)
        assert "A scalar LSTM unit, worked by hand" in text and "0.952574" in text
    names_of = [example["name"] for example in json.loads(run("--sources", "--json"))]
    assert names_of == [example.name for example in examples()]


def test_letters_say_the_equations_as_show_does():
    """What is told are the textbook's equations, in its own words."""
    story = tell(trace(load("lstm"), [1.0]), in_letters)
    printer = Unicode(story.book)
    text = "".join(line + "\n" for line, _ in lines_of(story))
    for equation in story.book.forward:
        left, right = map(plain, printer.sides(equation))
        assert f"{left} = {right} = " in text
