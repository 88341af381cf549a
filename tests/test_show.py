"""What the command shows: that it fits a terminal of 80 columns, and says what it should."""

from __future__ import annotations

import itertools
import os
import pty
import re
import subprocess
import sys
import unicodedata

import pytest
from rich.cells import cell_len
from some_cells import sampled
from written_cells import GRU, READABLE, UNPLEASANT, Norm, Words

from derive import library
from derive.display.about import paper, paragraphs
from derive.display.show import print_cell
from derive.display.tables import print_list, short
from derive.display.unicode import barred, columns
from derive.proof import Row
from derive.proof.table import print_check

CELLS = [*map(library.load, library.names()), *READABLE, *UNPLEASANT]


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch):
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def shown(capsys, function, *arguments):
    """The lines that a function prints."""
    function(*arguments)
    return capsys.readouterr().out.splitlines()


def width(lines):
    """The widest line, counting what nothing in a terminal takes a column for."""
    return max(map(cell_len, lines))


# --- a cell --------------------------------------------------------------------------------------

LSTM = """\
LSTM

Long short-term memory with a forget gate.

Gers, Schmidhuber & Cummins (2000), Learning to forget: continual prediction
with LSTM, Neural Computation 12(10), with one cell per block and, as everywhere
since, tanh for both squashing functions (the paper has shifted logistic ones;
see lstm_1997).

Quantities
    input       x                   I
    states      h, c                H
    parameters  W_i, W_f, W_g, W_o  H × I
                U_i, U_f, U_g, U_o  H × H
                b_i, b_f, b_g, b_o  H
    output      h′                  H
    at first    b_f = 1

One step
A prime marks a state's new value, and x ∘ y is the product entry by entry.
    a_i = W_i x + U_i h + b_i
      i = σ(a_i)
    a_f = W_f x + U_f h + b_f
      f = σ(a_f)
    a_g = W_g x + U_g h + b_g
      g = tanh(a_g)
    a_o = W_o x + U_o h + b_o
      o = σ(a_o)
     c′ = f ∘ c + i ∘ g
     h′ = o ∘ tanh(c′)

Its adjoints, from the last step and equation to the first
A bar marks an adjoint, the derivative of the loss with respect to a quantity;
with [loss] it is what the loss itself gives for the output, with [next] what
the next step has handed back.
     h̄′ = h̄′[loss] + h̄′[next]
     c̄′ = h̄′ ∘ o ∘ (1 − tanh²(c′)) + c̄′[next]
      ō = h̄′ ∘ tanh(c′)
    ā_o = ō ∘ o ∘ (1 − o)
      ḡ = c̄′ ∘ i
    ā_g = ḡ ∘ (1 − g²)
      f̄ = c̄′ ∘ c
    ā_f = f̄ ∘ f ∘ (1 − f)
      ī = c̄′ ∘ g
    ā_i = ī ∘ i ∘ (1 − i)

Handed back
To the step before, where it is [next], and to the input.
    h̄ = U_iᵀ ā_i + U_fᵀ ā_f + U_gᵀ ā_g + U_oᵀ ā_o
    c̄ = c̄′ ∘ f
    x̄ = W_iᵀ ā_i + W_fᵀ ā_f + W_gᵀ ā_g + W_oᵀ ā_o

Gathered
The parameters serve all steps and sequences: what they receive adds up over
both.
    W̄_i = Σ ā_i xᵀ
    Ū_i = Σ ā_i hᵀ
    b̄_i = Σ ā_i
"""


def composed(text):
    """Text in one of the forms that Unicode has for letters with a bar."""
    return unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("name", "seen"),
    [("h", "h\u0304"), ("W_f", "W\u0304_f"), ("log_f", "l\u0305o\u0305g\u0305_f")],
)
def test_a_bar_is_over_all_that_stands_before_the_index(name, seen):
    assert barred(name) == seen and columns(seen) == len(name)


def test_lstm(capsys):
    lines = [composed(line.rstrip()) for line in shown(capsys, print_cell, library.load("lstm"))]
    expected = composed(LSTM).splitlines()
    assert lines[: len(expected)] == expected
    assert lines[-3:] == [
        composed(f"    {line}") for line in ("W̄_o = Σ ā_o xᵀ", "Ū_o = Σ ā_o hᵀ", "b̄_o = Σ ā_o")
    ]


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        (GRU, "    a_n = W_n x + U_n (r ∘ h) + b_n"),
        (GRU, "     r̄ = (U_nᵀ ā_n) ∘ h"),
        (Norm, "      v = mean((a − mu)²)"),
        (Norm, "      n = (a − mu) / √(v + 1e−5)"),
        (Norm, "     v̄ = −sum(n̄ ∘ n) / (2·(v + 1e−5))"),
        (Words, "      y = log(1 + e²) / 3 + h / √(2 + h²)"),
        (Words, "      ȳ = ȳ[loss] + ā_h"),
    ],
)
def test_words(capsys, cell, line):
    found = [" ".join(composed(row).split()) for row in shown(capsys, print_cell, cell)]
    assert " ".join(composed(line).split()) in found


@pytest.mark.parametrize("cell", sampled(CELLS))
def test_a_cell_fits(capsys, monkeypatch, cell):
    lines = shown(capsys, print_cell, cell)
    assert width(lines) <= 80
    assert not re.search(r"[\x00-\x1f\ue000-\uf8ff]", "".join(lines)), "codes or marks left over"
    monkeypatch.setenv("COLUMNS", "200")
    assert width(shown(capsys, print_cell, cell)) <= 80
    monkeypatch.setenv("COLUMNS", "50")
    assert width(shown(capsys, print_cell, cell)) <= 50


def test_names_are_the_persons_own(capsys):
    for cell in CELLS[:-2]:
        text = "\n".join(shown(capsys, print_cell, cell))
        for quantity in cell.parameters:
            assert re.search(rf"(?<!\w){quantity.name}(?!\w)", text)


def test_lines_are_broken_under_their_own_equation(capsys):
    rows = [row for row in shown(capsys, print_cell, UNPLEASANT[0]) if "U_eight" in row]
    assert any(re.match(r"          \+ U_eight x2$", row) for row in rows), rows


# --- all cells, and their proof ------------------------------------------------------------------


def test_list(capsys):
    lines = shown(capsys, print_list)
    assert width(lines) <= 80
    for name in library.names():
        first = next(n for n, line in enumerate(lines) if line.split()[:1] == [name])
        more = itertools.takewhile(lambda line: line.startswith("    "), lines[first + 1 :])
        row, cell = " ".join([lines[first], *more]), library.load(name)
        assert short(paper(cell.doc)).split()[0] in row
        assert all(state.name in row.split() for state in cell.states)
    (row,) = (line for line in lines if line.split()[:1] == ["lstm"])
    assert row.split() == "lstm Gers et al. 2000 h c i f o 4HI + 4H² + 4H".split()
    assert "  gru: reset = before or after" in lines


@pytest.mark.parametrize("columns", [60, 80, 100, 140, 300])
def test_the_list_takes_the_room_there_is(capsys, monkeypatch, columns):
    """Where there is enough, a cell is one line; where there is little, nothing is cut off."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = shown(capsys, print_list)
    assert width(lines) <= min(columns, 140)
    listed = "".join("".join(lines).split())
    assert all(name[:15] in listed for name in library.names())
    if columns >= 140:
        (row,) = (line for line in lines if line.split()[:1] == ["rwkv7"])
        assert row.split() == "rwkv7 Peng et al. 2025 S a 2IKN + INV + 2KNR + 2IR + 4KN".split()
        assert not any(line.startswith("    ") and line.strip() for line in lines)
    if columns == 60:
        (at,) = (n for n, line in enumerate(lines) if line.startswith("  antisymmetric_rnn_g "))
        assert "".join(line.split()[0] for line in lines[at : at + 2]) == "antisymmetric_rnn_gated"


@pytest.mark.parametrize(
    ("work", "cited"),
    [
        ("Elman (1990)", "Elman 1990"),
        ("Gers, Schmidhuber & Cummins (2000)", "Gers et al. 2000"),
        ("Van der Westhuizen & Lasenby (2018)", "Westhuizen & Lasenby 2018"),
        ("Cho et al. (2014)", "Cho et al. 2014"),
        ("", ""),
    ],
)
def test_citations_in_passing(work, cited):
    assert short(work) == cited


def test_paragraphs_and_paper():
    doc = """A cell.

    Somebody, Else
    & Third (1999), A title (2nd edition), 2000.

    More.
    """
    assert paragraphs(doc) == [
        "A cell.",
        "Somebody, Else & Third (1999), A title (2nd edition), 2000.",
        "More.",
    ]
    assert paper(doc) == "Somebody, Else & Third (1999)"
    assert paper("A cell from (1999).") == paper("") == ""


GOOD = Row("complex step", True, "8.8e-16", "of the largest entry of each array, at most 1e-12")
BAD = Row("dot product", False, "0.31", "<Jv, u> - <v, Jᵀu>, of the terms' size, at most 1e-12 [x]")
NOT_RUN = Row("peer", None, "-", "torch is not installed")


@pytest.mark.parametrize(
    ("rows", "summary"),
    [
        ([GOOD, GOOD], "2 ok"),
        ([GOOD, NOT_RUN], "1 ok, 1 not run"),
        ([BAD, GOOD, NOT_RUN], "1 ok, 1 FAILED, 1 not run"),
    ],
)
def test_proof(capsys, rows, summary):
    print_check(GRU, rows)
    lines = capsys.readouterr().out.splitlines()
    assert width(lines) <= 80
    assert lines[-1] == summary
    assert lines[0].startswith("gru: GRU")
    for row in rows:
        (line,) = {line for line in lines if line.strip().startswith(row.name)}
        word = {True: "ok", False: "FAILED", None: "not run"}[row.ok]
        assert line.split(row.name)[1].strip().startswith(f"{word} ")
        assert row.figure in line
    if BAD in rows:
        assert "[x]" in "".join(lines), "what is in brackets is no markup"


def test_a_proof_in_a_narrow_terminal(capsys, monkeypatch):
    """Nothing is cut off: a remark goes below its row."""
    monkeypatch.setenv("COLUMNS", "44")
    print_check(GRU, [GOOD, NOT_RUN])
    lines = capsys.readouterr().out.splitlines()
    assert width(lines) <= 44
    assert " ".join("".join(lines).split()).count(" ".join(GOOD.remark.split())) == 1
    (at,) = (n for n, line in enumerate(lines) if line.startswith(GOOD.name))
    assert lines[at].split()[2:] == ["ok", GOOD.figure] and lines[at + 1].startswith("  of the")


# --- terminals and pipes -------------------------------------------------------------------------


def run(*arguments, **environment):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(
        [sys.executable, "-m", "derive", *arguments], env=env, capture_output=True, check=True
    )


def test_a_pipe_gets_utf_8_whatever_the_locale():
    result = run("show", "rnn", PYTHONIOENCODING="ascii")
    assert "h′ = tanh(a_h)" in result.stdout.decode("utf-8")
    assert b"\x1b" not in result.stdout and not result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")
def test_a_terminal_gets_headings_in_bold():
    ours, theirs = pty.openpty()
    code = (
        "from derive import library; from derive.display import show; "
        "show.print_cell(library.load('rnn'))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}
    env.pop("NO_COLOR", None)
    subprocess.run([sys.executable, "-c", code], env=env, stdout=theirs, check=True)
    os.close(theirs)
    text = os.read(ours, 100_000).decode("utf-8")
    os.close(ours)
    assert "\x1b[1mOne step\x1b[0m" in text
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert width(lines) <= 80


def test_help_does_not_wait_for_what_it_does_not_need():
    code = (
        "import derive.cli, sys; assert not {'rich', 'sympy', 'numpy', 'jinja2'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
