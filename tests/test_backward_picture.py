"""What the lines of the backward picture carry is what the adjoint equations add up."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import sympy as sp
from pictures import faults
from some_cells import first, sampled
from written_cells import READABLE

from derive import library
from derive.adjoint import adjoint
from derive.deviation import Deviation
from derive.display.diagram.backward import NORM, _BackwardPen, backward
from derive.display.diagram.graph import Norm, graph
from derive.display.diagram.label import LEVEL, LOWER, rise, width
from derive.display.diagram.svg import pieces, svg
from derive.display.diagram.tikz import formula
from derive.display.unicode import BAR
from derive.elementwise import Declared
from derive.largest import Largest
from derive.nodes import FeatureSum, MatVec, Outer, Size, Transposed, symbols_of

EXAMPLE = library.load(str(Path(__file__).parent.parent / "examples" / "leaky_integrator.py"))
CELLS = [*map(library.load, library.names()), *READABLE, EXAMPLE]


def each(cells):
    return pytest.mark.parametrize("cell", sampled(cells))


def pen(cell):
    """What says what a line carries, without a place for it."""
    made = object.__new__(_BackwardPen)
    made.cell, made.graph, made.adjoint = cell, graph(cell), adjoint(cell)
    return made


def handed_back(drawn, key):
    """The contributions along all lines from a node; None where one is told in another way."""
    found = []
    for reader in drawn.graph.nodes.values():
        for operand in (o for o in reader.operands if o.source == key):
            if reader.kind in {"layer", "merge"} or isinstance(reader.expr, Norm):
                return None
            if reader.kind == "operation":
                found.append(drawn.contribution(reader, operand))
            elif reader.kind == "output":
                found.append(drawn.adjoint.seed)
            else:
                state = next(s for s in drawn.cell.states if reader.key == f"leave {s}")
                found.append(drawn.adjoint.carry[state])
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
    drawn = pen(cell)
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
    """Summed over the lines that leave a quantity, for one unit, by numbers drawn at random."""
    drawn = pen(cell)
    values = evaluated(drawn.adjoint)
    for node in drawn.graph.of_kind("input", "enter", "layer", "operation"):
        total = handed_back(drawn, node.key) if node.names else None
        if total is not None and NORM not in map(str, symbols_of(total)):
            bar = drawn.adjoint.bar.get(node.names[0])  # the number of the step has none
            want = values.get(bar, 0)
            error = abs(number(total, values) - want)
            assert error <= 1e-12 * abs(want) + 1e-14, (node.names, total)


def test_some_are_told_in_this_way():
    """The test above has something to look at: c and h of the LSTM, all of its gates."""
    drawn = pen(library.load("lstm"))
    told = {
        name.name
        for node in drawn.graph.of_kind("input", "enter", "layer", "operation")
        for name in node.names
        if handed_back(drawn, node.key) is not None
    }
    assert told == {"c", "i", "f", "g", "o", "c_next", "h_next"}


@pytest.mark.parametrize("cell", first(3, [EXAMPLE, *READABLE]))
def test_it_is_drawn(cell):
    assert "<svg" in svg(backward(cell))


@pytest.mark.parametrize("cell", sampled(CELLS, ["lstm", "gru", "slstm"]))
def test_nothing_is_in_the_way_of_a_word(cell):
    """Nor is an arrow head, nor another word."""
    said = [fault for fault in faults(backward(cell)) if "'" in fault]
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


def test_a_bar_over_a_word_is_one_above_all_of_it():
    word, bar, behind = pieces(f"l{BAR}ast{LOWER}t{LEVEL}")
    assert (word.text, bar.text, behind.text) == ("last", "–", "t") and not word.italic
    middle = word.across + width("last", 1.0) + bar.across + bar.scale / 4
    assert middle == pytest.approx(width("last", 1.0) / 2, abs=0.1)
    assert formula(f"l{BAR}ast") == r"\overline{\mathrm{last}}"


def test_long_formulas_are_numbered_in_characters_that_fonts_have():
    """The GRU-D's are more than ten."""
    drawn = _BackwardPen(library.load("gru_d"))
    drawn.run()
    numbers = list(drawn.notes.values())
    assert numbers[:10] == list("①②③④⑤⑥⑦⑧⑨⑩") and numbers[10:12] == ["(11)", "(12)"]
