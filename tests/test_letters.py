"""Names as letters and subscripts, in plain text."""

from __future__ import annotations

import unicodedata

import pytest

from derive.adjoint import adjoint
from derive.display.derivation import textbook
from derive.display.diagram.label import Labels, runs
from derive.display.formula import MARKS
from derive.display.latex.printer import GREEK as IN_LATEX
from derive.display.latex.printer import word
from derive.display.letters import GREEK, letters
from derive.library import load
from derive.nodes import Quantity


@pytest.mark.parametrize("name", sorted({*IN_LATEX, "epsilon", "lamda"}))
def test_greek_letters_are_unicode_s(name):
    """Both ways of a name, by LaTeX and by Unicode's own names of letters, end at one letter."""
    kind = "CAPITAL" if name[0].isupper() else "SMALL"
    wanted = unicodedata.lookup(f"GREEK {kind} LETTER {name.replace('ambda', 'amda').upper()}")
    assert letters(word(name)) == GREEK[name] == wanted


def test_other_parts_stay_as_they_are():
    assert [letters(word(part)) for part in ("h", "12", "gate", "step_size")] == [
        *("h", "12", "gate", "step_size")
    ]


def test_a_label_has_its_parts():
    labels = Labels(textbook(adjoint(load("lstm"))))
    quantity = next(q for q in labels.names if q == "W_f")
    pieces = [(run.text, run.level, run.italic) for run in runs(labels.symbol(Quantity(quantity)))]
    assert pieces == [("W", 0, True), ("f", -1, True)]


def test_a_label_is_one_line_without_marks_to_break_it():
    book = textbook(adjoint(load("lstm_layer_norm")))
    labels = Labels(book)
    texts = [text for e in book.equations for text in (*labels.sides(e), labels(e.rhs))]
    assert not {*MARKS} & {*"".join(texts)}
