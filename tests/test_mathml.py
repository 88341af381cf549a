"""MathML: that it says what the LaTeX says, read by another's converter, and that it marks what a
page lights."""

from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET
from html import unescape

import pytest
from latex2mathml.converter import convert
from some_cells import sampled
from written_cells import READABLE, UNPLEASANT

from derive import library
from derive.adjoint import adjoint
from derive.display import mathml
from derive.display.derivation import textbook
from derive.display.formula import MARKS, plain
from derive.display.latex import printer as latex
from derive.display.mathml import MathML

BUILT_IN = [library.load(name) for name in library.names()]
CELLS = [*BUILT_IN, *READABLE, *UNPLEASANT]
WORDS = {"(L)": "loss", "(t+1)": "next", "(t)": ""}  # the parts of an adjoint, in LaTeX and here
BARS = "‾¯―"
INVISIBLE = "⁡⁢"  # function application, times


def each(cells):
    return pytest.mark.parametrize("cell", sampled(cells))


def said(node):
    """What a MathML element says, on one line: the same for all trees that look the same."""
    name = node.tag.rpartition("}")[2]
    parts = [said(child) for child in node]
    if name == "mspace":
        return ""
    if name in {"mi", "mn", "mo", "mtext"}:
        text = unicodedata.normalize("NFKC", node.text or "").replace("⋅", "·")
        return "".join(c for c in text if c not in INVISIBLE and not c.isspace())
    if name == "mover":
        assert node[1].text in BARS
        return f"bar {parts[0]}"
    if name in {"msub", "msup", "msubsup"}:
        below = parts[1].replace(",", "") if "sub" in name else ""
        above = parts[-1] if "sup" in name else ""
        if parts[0].startswith("bar"):
            above = WORDS.get(above, above)
        return parts[0] + f"_{{{below}}}" * bool(below) + f"^{{{above}}}" * bool(above)
    if name == "mfrac":
        return f"[{parts[0]} over {parts[1]}]"
    if name == "msqrt":
        return f"root [{''.join(parts)}]"
    assert name in {"math", "mrow", "mstyle"}, name
    return "".join(parts)


def read(inside):
    """The inside of a math element, by a parser that forgives nothing."""
    return ET.fromstring(f"<math>{inside}</math>")


def equations(cell, monkeypatch):
    """(equation, its MathML, its LaTeX), both unbroken."""
    for printer in (latex, mathml):  # they may stack other things, of other widths
        monkeypatch.setattr(printer, "NARROW", float("inf"))
    book = textbook(adjoint(cell))
    ours, theirs = MathML(book), latex.Latex(book)
    for equation in book.equations:
        yield (
            equation,
            [read(plain(side)) for side in ours.sides(equation)],
            [ET.fromstring(convert(plain(side))) for side in theirs.sides(equation)],
        )


@each([*BUILT_IN, *READABLE])
def test_it_says_what_the_latex_says(cell, monkeypatch):
    for equation, ours, theirs in equations(cell, monkeypatch):
        assert list(map(said, ours)) == list(map(said, theirs)), equation.lhs


def test_the_comparison_notices():
    """A sign, a subscript, a bar, an operand or a bracket that is not the same is seen."""
    right = r"\bar{c}_t = \bar{h}_t \circ o_t - 2 \, (1 - \tanh^{2}(c_t))"
    for old, new in [
        ("- 2", "+ 2"),
        ("o_t", "o_{t-1}"),
        (r"\bar{h}", "h"),
        ("c_t)", "o_t)"),
        ("^{2}", ""),
        (r"(1 - \tanh^{2}(c_t))", r"1 - \tanh^{2}(c_t)"),
    ]:
        wrong = right.replace(old, new)
        assert wrong != right
        assert said(ET.fromstring(convert(right))) != said(ET.fromstring(convert(wrong)))


@each(CELLS)
def test_every_line_is_well_formed_by_itself(cell):
    book = textbook(adjoint(cell))
    printer = MathML(book)
    for equation in book.equations:
        row = printer.row(equation)
        lines = [row.left, *(line for _, line in row.right)]
        assert not any(mark in line for mark in MARKS for line in lines)
        whole = "".join(said(read(line)) for line in lines[1:])
        assert whole == said(read(plain(printer.sides(equation)[1])))


@each(CELLS)
def test_every_quantity_says_which_it_is(cell):
    """Each leaf of a formula that is a quantity stands in an element with its name; adjoints have
    that of the quantity whose adjoint they are."""
    derived = adjoint(cell)
    book = textbook(derived)
    printer = MathML(book)
    names = {q.name for q in (*cell.given, *cell.states, *cell.parameters)}
    names |= {equation.lhs.name for equation in derived.forward}
    own = {q.name for q in derived.bar.values()} | {q.name for q in derived.carry.values()}
    own.add(derived.seed.name)
    for equation in book.equations:
        for side, expr in zip(printer.sides(equation), (equation.lhs, equation.rhs), strict=True):
            marked = [e for e in read(plain(side)).iter() if "data-q" in e.attrib]
            read_here = {s.name for s in expr.free_symbols if s.name in names | own}
            assert {e.get("data-q") for e in marked} <= names
            plain_ones = {e.get("data-q") for e in marked if "data-bar" not in e.attrib}
            assert plain_ones == read_here - own
            assert any("data-bar" in e.attrib for e in marked) == bool(read_here & own)


def test_an_adjoint_has_the_name_of_its_quantity():
    book = textbook(adjoint(library.load("lstm")))
    rows = [MathML(book).row(equation) for equation in book.adjoints]
    assert [(row.name, row.is_adjoint) for row in rows] == [
        (name, True)
        for name in ["h_next", "c_next", "o", "a_o", "g", "a_g", "f", "a_f", "i", "a_i"]
    ]


@each(BUILT_IN)
def test_operators_say_their_form(cell):
    """In a row that begins or ends with an operator a browser would guess another."""
    book = textbook(adjoint(cell))
    forms = {"(": ["prefix"], ")": ["postfix"], "+": ["infix"], "∘": ["infix"]}
    for equation in book.equations:
        inside = read(plain(MathML(book).sides(equation)[1]))
        below = [mo for sub in inside.iter() if "sub" in sub.tag for mo in sub[1].iter("mo")]
        for mo in set(inside.iter("mo")) - set(below):
            assert mo.get("form") in forms.get(mo.text, ["infix", "prefix", None])
            assert mo.text != "−" or mo.get("form")


def test_brackets_grow_around_what_is_tall():
    printer = MathML(textbook(adjoint(library.load("gru"))))
    assert 'stretchy="false"' in printer.bracket("<mi>x</mi>")
    assert "stretchy" not in printer.bracket("<mfrac><mi>x</mi><mi>y</mi></mfrac>")


def test_what_is_wide_is_not_stacked():
    """The root over four squares in the layer-normalised LSTM is a power that can be broken."""
    book = textbook(adjoint(library.load("lstm_layer_norm")))
    (sigma,) = (e for e in book.forward if e.lhs.name == "sigma_u")
    row = MathML(book).row(sigma)
    assert len(row.right) > 1 and "<msqrt" not in str(row)
    assert "".join(said(read(line)) for _, line in row.right).endswith(")^{1/2}")
    assert max(mathml._columns(line) for _, line in row.right) <= mathml.WIDE


@each(UNPLEASANT)
def test_names_are_text(cell):
    """Nothing that an author wrote becomes an element: only those of MathML are there."""
    book = textbook(adjoint(cell))
    for equation in book.equations:
        for side in MathML(book).sides(equation):
            tags = {e.tag for e in read(plain(side)).iter()}
            assert tags <= {
                *"math mrow mi mn mo mtext mspace mfrac msqrt mover msub msup msubsup".split()
            }


def test_width_counts_what_is_seen():
    assert mathml._columns("<mi>a</mi><mo>⁢</mo><mo>&lt;</mo>") == len(unescape("a&lt;"))
