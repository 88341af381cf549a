"""What the lines of the backward picture carry is what the adjoint equations add up."""

from __future__ import annotations

import random
import re
from pathlib import Path

import kept
import pytest
import sympy as sp
from pictures import faults
from some_cells import every, first, sampled
from written_cells import READABLE

from derive import library
from derive.adjoint import adjoint
from derive.deviation import Deviation
from derive.display.diagram.backward import _BackwardPen
from derive.display.diagram.carried import NORM, Carried
from derive.display.diagram.graph import Norm, graph
from derive.display.diagram.label import HIGHER, LEVEL, LOWER, rise, width
from derive.display.diagram.svg import pieces, svg
from derive.display.diagram.tikz import formula
from derive.display.unicode import BAR
from derive.elementwise import Declared
from derive.language import (
    Cell,
    H,
    I,
    Input,
    Matrix,
    State,
    StepNumber,
    Vector,
    sigmoid,
    sin,
    standardise,
    tanh,
)
from derive.largest import Largest
from derive.nodes import FeatureSum, MatVec, Outer, Quantity, Size, Transposed, symbols_of


class Standardised(Cell):
    """Vectors standardised together and alone, each read in one place: by itself or inside."""

    x = Input()
    s = State()
    W, V, g, b = Matrix(H, I, names="n j k"), Matrix(H, H, names="m p"), Vector(H), Vector(H)

    n, m = standardise(W.n @ x, V.m @ s, eps=1e-2)
    j, p = standardise(W.j @ x, V.p @ s, eps=1e-2)
    k = sigmoid(g * standardise(W.k @ x, eps=1e-2) + b)
    s_next = n * s + m * tanh(j) + tanh(p) * k * tanh(g * standardise(W.n @ x, eps=1e-2) + b)


class Counted(Cell):
    """What reads the step's number, in several places."""

    x = Input()
    h = State()
    n = StepNumber()
    W, U = Matrix(H, I), Matrix(H, H)

    h_next = tanh(W @ x + U @ h) / n + h * sin(n)


EXAMPLE = library.load(str(Path(__file__).parent.parent / "examples" / "leaky_integrator.py"))
CELLS = [*map(kept.load, library.names()), *READABLE, EXAMPLE]


FEW = ["lstm", "gru", "slstm", "norm"]


def each(cells):
    return pytest.mark.parametrize("cell", sampled(cells))


def told(cell):
    """What says what a line carries, without a place for it."""
    return Carried(graph(cell), adjoint(cell))


def handed_back(drawn, key):
    """What a node's value receives along all lines from it, merged with others or not."""
    found = list(drawn.shares(drawn.graph.nodes[key]))
    for reader in drawn.graph.of_kind("output", "leave"):
        if reader.operands[0].source == key:
            cell = drawn.graph.cell
            state = next((s for s in cell.states if reader.key == f"leave {s}"), None)
            found.append(drawn.adjoint.carry[state] if state else drawn.adjoint.seed)
    return sp.Add(*found)


def number(expr, values):
    """A formula's value for one unit, where a matrix is a number and a sum has one term."""
    expr = expr.replace(Deviation, lambda *v: Deviation(*v).formula())
    expr = expr.replace(MatVec, lambda matrix, vector: matrix * vector)
    expr = expr.replace(Outer, lambda left, right: left * right)
    of_one = FeatureSum | Transposed | Largest | Declared
    expr = expr.replace(lambda e: isinstance(e, of_one), lambda e: e.args[0])
    expr = expr.replace(lambda e: isinstance(e, Size), lambda _: sp.S.One)
    return sp.N(expr.xreplace(values), 30)


def evaluated(derived):
    """A value for every quantity and every adjoint of a step, from some drawn at random."""
    cell, rng = derived.cell, random.Random(1)
    given = [*cell.given, *cell.states, *cell.parameters, derived.seed, *derived.carry.values()]
    values = {q: sp.Float(rng.uniform(0.2, 0.9), 30) for q in given}
    for equation in (*derived.forward, *derived.backward):
        values[equation.lhs] = number(equation.rhs, values)
    return dict.fromkeys(derived.bar.values(), sp.S.Zero) | values  # 0 where nothing is received


@each(CELLS)
def test_no_line_carries_nothing(cell):
    drawn = told(cell)
    for node in drawn.graph.of_kind("operation"):
        if handed_back(drawn, node.key) == 0:
            continue  # as into what a gradient is stopped at
        for operand in node.operands:
            nothing = drawn.contribution(node, operand) == 0
            flat = node.label in ("sign", "step", "floor", "stop_gradient")
            first = node.label in ("choose", "surrogate") and operand.expr == node.expr.args[0]
            flat = flat or first
            assert nothing == flat, (node.label, operand.expr)


@each(CELLS)
def test_what_is_handed_back_is_the_adjoint(cell):
    """Summed over the lines that leave a quantity, for one unit, by numbers drawn at random: of
    layers, too, which hand back to each quantity through its own weights."""
    drawn = told(cell)
    values = evaluated(drawn.adjoint)
    for node in drawn.graph.of_kind("input", "enter", "layer", "operation"):
        quantity = next((q for q in node.names if q in drawn.adjoint.bar), None)
        total = handed_back(drawn, node.key)
        if quantity is not None and NORM not in map(str, symbols_of(total)):
            want = values[drawn.adjoint.bar[quantity]]
            error = abs(number(total, values) - want)
            assert error <= 1e-12 * abs(want) + 1e-14, (node.names, total)


def written(made):
    """What is written, without marks for what stands lower or higher."""
    return {re.sub("[\ue010\ue011\ue012]", "", word.text) for word in made.words}


@pytest.mark.parametrize("name", first(2, ["lstm", "lstm_peephole", "gru"]))
def test_each_layer_s_share_goes_through_its_own_weights(name):
    """Before they are added up on the line that the layers read together."""
    cell = kept.load(name)
    said = written(kept.backward_picture(cell))
    for gate in [q.name.removeprefix("b_") for q in cell.parameters if q.name.startswith("b_")]:
        for matrix in (f"U_{gate}", f"W_{gate}"):
            share = f"{matrix.replace('_', '')}T a{BAR}{gate},t"
            assert any(text.endswith(share) for text in said), share
    if name == "lstm_peephole":  # and what has a line of its own is told there
        assert f"a{BAR}i,t ∘ pi" in said


def test_what_goes_to_the_step_before_is_there_what_the_next_has_handed_back():
    ends = {w.text for w in kept.backward_picture(kept.load("lstm")).words if w.is_end}
    before = {f"{q}{BAR}{LOWER}t−1{LEVEL}{HIGHER}next{LEVEL}" for q in "hc"}
    now = {f"{q}{BAR}{LOWER}t{LEVEL}{HIGHER}next{LEVEL}" for q in "hc"}
    assert before | now < ends


def test_nothing_is_handed_back_to_the_step_s_number():
    """Which has no adjoint."""
    there, back = kept.picture(Counted), kept.backward_picture(Counted)
    number, line = str(Counted.number), f"input {Counted.number}"
    assert any(s.ends[0] == line for s in there.strokes) and number in known_by(there)
    assert not any(s.ends[0] == line for s in back.strokes) and number not in known_by(back)
    assert {s.ends for s in there.strokes if s.ends[0] != line} == {s.ends for s in back.strokes}


def known_by(made):
    """The names by which a page finds what is on a picture, but for boxes."""
    return {name for shape in (*made.strokes, *made.dots, *made.words) for name in shape.names}


@pytest.mark.parametrize("cell", first(2, [EXAMPLE, *READABLE]))
def test_it_is_drawn(cell):
    assert "<svg" in svg(kept.backward_picture(cell))


@pytest.mark.parametrize(
    "cell",
    [pytest.param(cell, id=cell.name, marks=[every] * (cell.name not in FEW)) for cell in CELLS],
)
def test_nothing_is_in_the_way_of_a_word(cell):
    """Nor is an arrow head, nor another word."""
    said = [fault for fault in faults(kept.backward_picture(cell)) if "'" in fault]
    assert said == []


# --- bars ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", [*"hfbdkltWCS", "β", "Γ"])
def test_a_bar_over_a_high_letter_is_a_line_above_it(letter):
    """Where no font has it run through the letter; what comes behind stands as without it."""
    barred = letter + BAR
    found = list(pieces(f"{barred}{LOWER}t{LEVEL}"))
    assert [piece.text for piece in found] == [letter, "–", "t"]
    one, bar, behind = found
    assert bar.down < -0.5 and one.italic and not bar.italic
    assert bar.down + behind.down == pytest.approx(0.3)  # the subscript, under the line
    middle = one.across + width(letter, 1.0) + bar.across + bar.scale / 4
    assert width(letter, 1.0) / 2 < middle < width(letter, 1.0) / 2 + 0.1  # letters lean
    gone = bar.across + bar.scale / 2 + behind.across  # a dash is half as long as its type is high
    assert gone == pytest.approx(0, abs=1e-12)
    assert rise(barred) > rise(letter) == rise("c" + BAR)


def test_a_bar_over_a_low_letter_is_the_font_s():
    assert [piece.text for piece in pieces(f"c{BAR} ∘ i")] == ["c" + BAR, "∘", "i"]


@pytest.mark.parametrize("letters", ["at", "last", "log_f", "maximum"])
def test_a_bar_over_a_word_is_a_line_over_all_of_it(letters):
    word, bar, behind = pieces(f"{letters[0]}{BAR}{letters[1:]}{LOWER}t{LEVEL}")
    assert (word.text, behind.text) == (letters, "t") and not word.italic
    long = len(bar.text) * bar.scale / 2
    assert {*bar.text} == {"–"} and long == pytest.approx(width(letters, 1.0))
    assert bar.across == pytest.approx(-long)  # it begins where the word does
    assert bar.across + long + behind.across == pytest.approx(0)
    assert formula(f"l{BAR}ast") == r"\overline{\mathrm{last}}"
    assert formula(f"l{BAR}og_f") == r"\overline{\mathrm{log\_f}}"


def test_what_is_standardised_has_a_name_in_formulas():
    """What the picture has for it, with neither mean nor deviation, stands in none."""
    drawn = told(Standardised)
    for node in drawn.graph.of_kind("layer", "operation"):
        for operand in node.operands:
            for share in drawn.handed_back(node, operand):
                assert symbols_of(share) <= known_to(drawn) and not share.has(Norm)
    made = kept.backward_picture(Standardised)
    assert {"s̄t ∘ nt", "s̄t ∘ tanh(jt)"} <= written(made)
    assert faults(made) == []


def known_to(drawn):
    """What a formula on a backward picture may name."""
    forward = {*drawn.graph.cell.quantities, *(e.lhs for e in drawn.adjoint.forward)}
    return forward | {*drawn.adjoint.bar.values()} | {Quantity(NORM, e.axes) for e in forward}


@every
def test_long_formulas_are_numbered_in_characters_that_fonts_have():
    """The GRU-D's are more than ten."""
    cell = kept.load("gru_d")
    drawn = _BackwardPen(cell, kept.routes(cell))
    drawn.run()
    numbers = list(drawn.notes.values())
    assert numbers[:10] == list("①②③④⑤⑥⑦⑧⑨⑩") and numbers[10:12] == ["(11)", "(12)"]
