"""What changes from one cell to another: that it is all there, and nothing else."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import unicodedata

import pytest
from pylatexenc.latexwalker import LatexWalker
from rich.cells import cell_len
from some_cells import first, sampled

from derive import library
from derive.adjoint import adjoint
from derive.display.compare import difference
from derive.display.compare.difference import SECTIONS, equations
from derive.display.compare.latex import document, fragment
from derive.display.compare.shown import print_difference
from derive.display.derivation import textbook

STORY = ["lstm", "lstm_peephole", "lstm_coupled", "gru", "gru:reset=after"]
PAIRS = list(itertools.pairwise(STORY))
NAMES = library.names()
CHAIN = [(one, NAMES[(7 * k + 3) % len(NAMES)]) for k, one in enumerate(NAMES)]
CHAINED = first(len(PAIRS) + 12, [*PAIRS, *CHAIN[::6], *(p for p in CHAIN if p not in CHAIN[::6])])


def pair(one, two):
    return library.load(one), library.load(two)


def shown(capsys, one, two):
    print_difference(*pair(one, two))
    return capsys.readouterr().out.splitlines()


def signed(lines, sign):
    """What stands behind a sign, with its bars in one of the forms that Unicode has for them."""
    found = [" ".join(line[2:].split()) for line in lines if line.startswith(sign)]
    return [unicodedata.normalize("NFC", line) for line in found]


def test_peepholes(capsys):
    """From the LSTM to the peephole LSTM three terms are new, and what follows from them."""
    lines = shown(capsys, "lstm", "lstm_peephole")
    expected = [
        "parameters: p_i (H), p_f (H), p_o (H)",
        "a_i = W_i x + U_i h + p_i ∘ c + b_i",
        "a_f = W_f x + U_f h + p_f ∘ c + b_f",
        "a_o = W_o x + U_o h + p_o ∘ c′ + b_o",
        "c̄′ = ā_o ∘ p_o + h̄′ ∘ o ∘ (1 − tanh²(c′)) + c̄′[next]",
        "c̄ = ā_i ∘ p_i + ā_f ∘ p_f + c̄′ ∘ f",
        "p̄_i = Σ ā_i ∘ c",
        "p̄_f = Σ ā_f ∘ c",
        "p̄_o = Σ ā_o ∘ c′",
    ]
    assert signed(lines, "+ ") == [unicodedata.normalize("NFC", line) for line in expected]
    changes = difference(*pair("lstm", "lstm_peephole")).sections
    added = [str(t) for s in SECTIONS for c in changes[s] if c.old and c.new for t in c.added]
    assert added == ["c*p_i", "c*p_f", "c_next*p_o", "da_o*p_o", "da_i*p_i", "da_f*p_f"]
    assert not any(c.removed for s in SECTIONS for c in changes[s])


def test_the_same_by_another_name():
    found = difference(*pair("gru", "mgu"))
    assert found.renamed == {"z": "f"}
    kept = {str(c.new.lhs) for c in found.sections["forward"] if c.same}
    assert kept == {"a_f", "f", "n", "h_next"}


@pytest.mark.parametrize(
    ("one", "two", "renamed"),
    [
        ("lstm", "gru", {"i": "z", "g": "n"}),  # the reset gate is no forget gate
        ("lstm_coupled", "gru", {"g": "n"}),  # nor is it the output gate; z keeps, f lets in
        ("gru", "ugrnn", {}),  # z lets in what is new, g keeps what is old
        ("lstm_coupled", "lstm", {}),
    ],
)
def test_a_gate_with_another_task_is_another_gate(one, two, renamed):
    """Though all are computed alike."""
    assert difference(*pair(one, two)).renamed == renamed


def test_what_went_is_told_in_the_new_names(capsys):
    """So that a line that is gone and the one in its place differ in what has changed alone."""
    lines = shown(capsys, "gru", "mgu")
    assert "  z is called f, in all that follows" in lines
    said = lines[lines.index("One step") :]
    assert not any(re.search(r"(?<!\w)(z\b|z̄|\w+_z\b)", line) for line in said)
    assert "h̄ = U_fᵀ ā_f + U_rᵀ ā_r + (U_nᵀ ā_n) ∘ r + h̄′ ∘ (1 − f)" in signed(said, "− ")
    assert "h̄ = U_fᵀ ā_f + (U_nᵀ ā_n) ∘ f + h̄′ ∘ (1 − f)" in signed(said, "+ ")
    text = document(*pair("gru", "mgu"))
    assert r"\texttt{z} is called \texttt{f} in all that follows" in text
    assert "_z" not in text and "a_{f,t}" in text


@pytest.mark.parametrize("name", sampled(NAMES))
def test_a_cell_differs_from_itself_in_nothing(capsys, name):
    assert difference(*pair(name, name)).same
    lines = shown(capsys, name, name)
    assert "Nothing changes: the equations are the same." in lines
    assert not signed(lines, "+ ") and not signed(lines, "− ")


@pytest.mark.parametrize(("one", "two"), CHAINED)
def test_every_equation_of_both_stands_once(one, two):
    found = difference(*pair(one, two))
    for section in SECTIONS:
        for book, side in ((found.old, "old"), (found.new, "new")):
            there = [getattr(c, side) for c in found.sections[section] if getattr(c, side)]
            assert sorted(map(str, there)) == sorted(map(str, equations(book, section)))
            if side == "new":
                assert there == list(equations(book, section))


@pytest.mark.parametrize(("one", "two"), CHAINED)
def test_the_way_back_is_the_mirror(one, two):
    """What is added on the way is removed on the way back, where nothing is called otherwise."""
    there, back = difference(*pair(one, two)), difference(*pair(two, one))
    if there.renamed or back.renamed:
        return
    for section in SECTIONS:
        added = sorted(str(t) for c in there.sections[section] for t in c.added)
        removed = sorted(str(t) for c in back.sections[section] for t in c.removed)
        assert added == removed


@pytest.mark.parametrize(("one", "two"), CHAINED)
def test_it_fits(capsys, monkeypatch, one, two):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = shown(capsys, one, two)
    assert max(map(cell_len, lines)) <= 80
    assert not re.search(r"[\x00-\x1f\ue000-\uf8ff]", "".join(lines)), "marks left over"
    assert any(line[:2] in ("+ ", "− ") for line in lines)


@pytest.mark.parametrize(("one", "two"), [*PAIRS, *CHAIN[::5]])
def test_latex_can_be_read(one, two):
    text = fragment(*pair(one, two))
    LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    assert text.isascii() and max(map(len, text.splitlines())) <= 110
    assert r"\underline" in text or r"\textcolor" in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_the_document_compiles(one, two, tmp_path):
    (tmp_path / "diff.tex").write_text(document(*pair(one, two)), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "diff.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True)
    log = (tmp_path / "diff.log").read_text(encoding="latin-1")
    assert result.returncode == 0, re.findall(r"^!.*(?:\n.*){4}", log, re.MULTILINE)
    assert "Overfull" not in log


def test_textbook_equations_are_what_is_compared():
    book = textbook(adjoint(library.load("gru")))
    assert sum(len(equations(book, section)) for section in SECTIONS) == len(book.equations)
