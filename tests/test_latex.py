"""LaTeX: that it says what was derived, that others can read it, and that it compiles."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import reference
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from latex2mathml.converter import convert
from latex2mathml.exceptions import DoubleSubscriptsError, DoubleSuperscriptsError, MissingEndError
from pylatexenc.latexwalker import LatexWalker, LatexWalkerParseError
from some_cells import VECTORS, sampled
from written_cells import GRU, READABLE, UNPLEASANT, Norm, Words

from derive import cell as cells
from derive import library
from derive.adjoint import adjoint
from derive.display.derivation import Mean, Minimum, textbook
from derive.display.formula import MARKS, fill, plain
from derive.display.latex import document, fragment, latex_block
from derive.display.latex.printer import Latex
from derive.display.latex.text import escape
from derive.display.latex.width import em
from derive.elementwise import maximum
from derive.language import Cell, H, I, Input, Matrix, Scalar, State, Vector, sigmoid, tanh
from derive.nodes import FeatureSum, Quantity, count
from derive.wellformed import FUNCTIONS

BUILT_IN = [library.load(name) for name in library.names()]
CELLS = [*BUILT_IN, *READABLE, *UNPLEASANT]
TYPESET = [*map(library.load, [*VECTORS, "fast_weights"]), *READABLE, *UNPLEASANT]
CLEAR = [*BUILT_IN, *READABLE]  # without names so long that a formula takes several lines


def each(cells):
    return pytest.mark.parametrize("cell", sampled(cells))


def blocks(text):
    """The align* environments of a fragment."""
    return re.findall(r"\\begin\{align\*\}.*?\\end\{align\*\}", text, re.DOTALL)


def equations(block):
    """(left, right) of each equation of an environment, each on one line."""
    inner = block.removeprefix(r"\begin{align*}").removesuffix(r"\end{align*}")
    inner = re.sub(r"\\\\\s*&\s*(\\q?quad )+\{\}", " ", " ".join(inner.split()))
    return [tuple(part.strip() for part in row.split("&=")) for row in inner.split(r"\\")]


def rows(cell):
    """The equations of each of a fragment's blocks, as ``left = right``."""
    return [[" = ".join(pair) for pair in equations(block)] for block in blocks(fragment(cell))]


# --- what it says --------------------------------------------------------------------------------


def test_lstm():
    forward, adjoints, back, parameters = rows(library.load("lstm"))
    assert forward == [
        r"a_{i,t} = W_i x_t + U_i h_{t-1} + b_i",
        r"i_t = \sigma(a_{i,t})",
        r"a_{f,t} = W_f x_t + U_f h_{t-1} + b_f",
        r"f_t = \sigma(a_{f,t})",
        r"a_{g,t} = W_g x_t + U_g h_{t-1} + b_g",
        r"g_t = \tanh(a_{g,t})",
        r"a_{o,t} = W_o x_t + U_o h_{t-1} + b_o",
        r"o_t = \sigma(a_{o,t})",
        r"c_t = f_t \circ c_{t-1} + i_t \circ g_t",
        r"h_t = o_t \circ \tanh(c_t)",
    ]
    assert adjoints == [
        r"\bar{h}_t = \bar{h}_t^{(\mathcal{L})} + \bar{h}_t^{(t+1)}",
        r"\bar{c}_t = \bar{h}_t \circ o_t \circ (1 - \tanh^{2}(c_t)) + \bar{c}_t^{(t+1)}",
        r"\bar{o}_t = \bar{h}_t \circ \tanh(c_t)",
        r"\bar{a}_{o,t} = \bar{o}_t \circ o_t \circ (1 - o_t)",
        r"\bar{g}_t = \bar{c}_t \circ i_t",
        r"\bar{a}_{g,t} = \bar{g}_t \circ (1 - g_t^{2})",
        r"\bar{f}_t = \bar{c}_t \circ c_{t-1}",
        r"\bar{a}_{f,t} = \bar{f}_t \circ f_t \circ (1 - f_t)",
        r"\bar{i}_t = \bar{c}_t \circ g_t",
        r"\bar{a}_{i,t} = \bar{i}_t \circ i_t \circ (1 - i_t)",
    ]
    products = [rf"{{}}_{k}^{{\top}} \bar{{a}}_{{{k},t}}" for k in "ifgo"]
    assert back == [
        r"\bar{h}_{t-1}^{(t)} = " + " + ".join(f"U{p[2:]}" for p in products),
        r"\bar{c}_{t-1}^{(t)} = \bar{c}_t \circ f_t",
        r"\bar{x}_t = " + " + ".join(f"W{p[2:]}" for p in products),
    ]
    assert parameters == [
        equation
        for k in "ifgo"
        for equation in (
            rf"\bar{{W}}_{k} = \textstyle \sum_t \bar{{a}}_{{{k},t}} x_t^{{\top}}",
            rf"\bar{{U}}_{k} = \textstyle \sum_t \bar{{a}}_{{{k},t}} h_{{t-1}}^{{\top}}",
            rf"\bar{{b}}_{k} = \textstyle \sum_t \bar{{a}}_{{{k},t}}",
        )
    ]


def test_peephole_sees_the_new_memory():
    forward, adjoints, back, parameters = rows(library.load("lstm_peephole"))
    assert r"a_{o,t} = W_o x_t + U_o h_{t-1} + p_o \circ c_t + b_o" in forward
    order = [row.split(" = ")[0] for row in adjoints]
    assert order.index(r"\bar{a}_{o,t}") < order.index(r"\bar{c}_t")
    assert (
        r"\bar{c}_t = \bar{a}_{o,t} \circ p_o + \bar{h}_t \circ o_t \circ (1 - \tanh^{2}(c_t)) "
        r"+ \bar{c}_t^{(t+1)}"
    ) in adjoints
    assert (
        r"\bar{c}_{t-1}^{(t)} = \bar{a}_{i,t} \circ p_i + \bar{a}_{f,t} \circ p_f "
        r"+ \bar{c}_t \circ f_t"
    ) in back
    assert r"\bar{p}_f = \textstyle \sum_t \bar{a}_{f,t} \circ c_{t-1}" in parameters
    assert r"\bar{p}_o = \textstyle \sum_t \bar{a}_{o,t} \circ c_t" in parameters


def test_product_inside_a_product():
    forward, adjoints, back, parameters = rows(GRU)
    assert r"a_{n,t} = W_n x_t + U_n (r_t \circ h_{t-1}) + b_n" in forward
    assert r"h_t = (1 - z_t) \circ h_{t-1} + z_t \circ n_t" in forward
    assert r"\bar{r}_t = (U_n^{\top} \bar{a}_{n,t}) \circ h_{t-1}" in adjoints
    assert r"\bar{z}_t = \bar{h}_t \circ (n_t - h_{t-1})" in adjoints
    assert (
        r"\bar{h}_{t-1}^{(t)} = U_z^{\top} \bar{a}_{z,t} + U_r^{\top} \bar{a}_{r,t} "
        r"+ (U_n^{\top} \bar{a}_{n,t}) \circ r_t + \bar{h}_t \circ (1 - z_t)"
    ) in back
    assert r"\bar{U}_n = \textstyle \sum_t \bar{a}_{n,t} (r_t \circ h_{t-1})^{\top}" in parameters


def test_means_and_fractions():
    forward, adjoints, _, _ = rows(Norm)
    assert forward[1:4] == [
        r"\mu_t = \operatorname{mean}(a_t)",
        r"v_t = \operatorname{mean}((a_t - \mu_t)^{2})",
        r"n_t = \frac{a_t - \mu_t}{\sqrt{v_t + 10^{-5}}}",
    ]
    assert adjoints[3:] == [
        r"\bar{v}_t = -\frac{\operatorname{sum}(\bar{n}_t \circ n_t)}{2 \, (v_t + 10^{-5})}",
        r"\bar{\mu}_t = 2 \, \bar{v}_t \, \operatorname{mean}(\mu_t - a_t) "
        r"- \frac{\operatorname{sum}(\bar{n}_t)}{\sqrt{v_t + 10^{-5}}}",
        r"\bar{a}_t = \frac{1}{H} \, \bar{\mu}_t + \frac{2}{H} \, \bar{v}_t \, (a_t - \mu_t) "
        r"+ \frac{\bar{n}_t}{\sqrt{v_t + 10^{-5}}}",
    ]


def test_scalars_stand_first_and_without_a_sign():
    class Leak(Cell):
        x = Input()
        h = State()
        W, alpha = Matrix(H, I), Scalar()

        h_next = h * alpha + 0.5 * tanh(W @ x) * h

    forward, _, back, parameters = rows(Leak)
    assert forward == [r"h_t = \alpha \, h_{t-1} + 0.5 \, h_{t-1} \circ \tanh(W x_t)"]
    assert r"\bar{h}_{t-1}^{(t)} = \bar{h}_t \circ (\alpha + 0.5 \, \tanh(W x_t))" in back
    (alpha,) = (row for row in parameters if row.startswith(r"\bar{\alpha}"))
    assert alpha == r"\bar{\alpha} = \textstyle \sum_t \operatorname{sum}(\bar{h}_t \circ h_{t-1})"


def test_the_output_is_where_the_loss_comes_in():
    _, adjoints, _, _ = rows(Words)
    assert r"\bar{h}_t = \bar{h}_t^{(t+1)}" in adjoints
    assert r"\bar{y}_t = \bar{y}_t^{(\mathcal{L})} + \bar{a}_{h,t}" in adjoints
    assert fragment(Words).count(r"(\mathcal{L})") == 1


def barred_name(left):
    """A quantity's name with a bar: over a letter, or over a whole word."""
    if left.startswith(r"\mathrm"):
        return re.sub(r"^(\\mathrm\{[^}]*\})", r"\\overline{\1}", left)
    return re.sub(r"^(\{?)([A-Za-z]|\\[a-z]+)", r"\1\\bar{\2}", left)


@each(CLEAR)
def test_one_adjoint_equation_for_each_equation(cell):
    forward, adjoints, back, parameters = (equations(block) for block in blocks(fragment(cell)))
    barred = [barred_name(left) for left, _ in forward]
    assert sorted(left for left, _ in adjoints) == sorted(barred)
    assert len(back) == len(cell.states) + len(cell.inputs)
    assert len(parameters) == len(cell.trained)


SYMBOL = re.compile(
    r"""
    ( (?: \\bar\{[^}]*\} | \\overline\{\\mathrm\{[^}]*\}\} | \{\\bar\{[^}]*\}'+\} )  # an adjoint,
      (?: _\{ (?: [^{}] | \{[^{}]*\} )* \} | _. )? )                           # its subscripts,
    ( \^\{\( (?: t\+1 | \\mathcal\{L\} ) \)\} )?                               # and what gives it
    """,
    re.VERBOSE,
)


@each(CLEAR)
def test_adjoints_stand_in_the_order_of_evaluation(cell):
    _, adjoints, back, parameters = (equations(block) for block in blocks(fragment(cell)))
    known = set()
    for left, right in (*adjoints, *back, *parameters):
        for symbol, source in SYMBOL.findall(right):
            assert source or symbol in known, (left, symbol)
        known.add(left)


@each(CLEAR)
def test_equations_stand_in_the_order_of_evaluation(cell):
    book = textbook(adjoint(cell))
    known = {*cell.given, *cell.states, *cell.parameters}
    for equation in book.forward:
        assert equation.rhs.atoms(Quantity) <= known
        known.add(equation.lhs)


def in_the_languages_own_words(expr):
    """An expression without the words that are there for display only."""
    expr = expr.replace(
        lambda e: isinstance(e, Mean), lambda e: FeatureSum(*e.args) / count(e.summed)
    )
    return expr.replace(lambda e: isinstance(e, Minimum), lambda e: -maximum(*(-a for a in e.args)))


@each(CELLS)
def test_what_is_shown_has_the_values_of_what_is_computed(cell):
    derived = adjoint(cell)
    book = textbook(derived)
    sizes, rng = {a.letter: n for n, a in enumerate(cell.axes, 2)}, np.random.default_rng(3)

    def lengths(q):
        return tuple(sizes[axis.letter] for axis in q.axes)

    env = {q: rng.normal(size=lengths(q)) for q in cell.parameters}
    given = (*cell.given, *cell.states, derived.seed, *derived.carry.values())
    env |= {q: rng.normal(size=(1, *lengths(q))) for q in given}
    computed, shown = dict(env), dict(env)
    for e in (*derived.forward, *derived.backward):
        computed[e.lhs] = reference.value(e.rhs, computed, sizes)
    for e in book.equations:
        shown[e.lhs] = reference.value(in_the_languages_own_words(e.rhs), shown, sizes)
    assert {derived.bar[q] for q in (*cell.states, *cell.inputs, *cell.trained)} <= shown.keys()
    for q, values in shown.items():
        wanted = computed.get(q, np.zeros(1))  # nobody computes what receives nothing
        np.testing.assert_allclose(*np.broadcast_arrays(values, wanted), rtol=1e-10)


# --- that others can read it ---------------------------------------------------------------------


def read(latex):
    """Read LaTeX with two strict readers; the MathML of one of them."""
    LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()
    root = ET.fromstring(convert(latex))
    leftover = [text for text in root.itertext() if set(text) & set("\\{}&#%")]
    assert not leftover, f"not understood: {leftover}"
    return root


@each(CELLS)
def test_a_second_reader_understands_it(cell):
    found = blocks(fragment(cell))
    assert len(found) == 4
    for block in found:
        table = read(block).find(".//{*}mtable")
        assert all(len(row) == 2 for row in table), "an equation has a left and a right side"


@pytest.mark.parametrize(
    "wrong",
    [
        r"a_i_t",
        r"x^{a}^{b}",
        r"\begin{align*} a",
        r"\mathrm{a",
        r"a}",
        r"\frac{a}",
        r"\undefined a",
    ],
)
def test_the_second_reader_is_strict(wrong):
    errors = (DoubleSubscriptsError, DoubleSuperscriptsError, MissingEndError, AssertionError)
    with pytest.raises((*errors, LatexWalkerParseError)):
        read(wrong)


@pytest.mark.parametrize("word", [*FUNCTIONS, Minimum])
def test_every_function_has_a_word(word):
    class Plain(Cell):
        x = Input()
        h = State()
        W = Matrix(H, I)
        h_next = W @ x + h

    latex = Latex(textbook(adjoint(Plain)))
    h = Plain.states[0]
    (count,) = word.nargs
    arguments = [h, h + 1, h**2][:count]
    for expr in (word(*arguments), word(*arguments) ** 2, 1 / word(*arguments)):
        read(plain(latex(expr)))


@each(CELLS)
def test_source(cell):
    text = fragment(cell)
    assert text == latex_block(adjoint(cell))
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert text.isascii() and '"""' not in text
    assert max(map(len, text.splitlines())) <= 96
    assert all(line == line.rstrip() for line in text.splitlines())


def test_same_bytes_whatever_the_hash_seed():
    code = (
        "import written_cells as w, derive.display.latex as l; print(*map(l.document, w.READABLE))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(texts) == 1


# --- names ---------------------------------------------------------------------------------------


def symbols(cell):
    """The symbol of each of a cell's quantities, by its name."""
    latex = Latex(textbook(adjoint(cell)))
    return {q.name: latex.symbol(q) for q in cell.quantities}


def test_symbols():
    class Named(Cell):
        x = Input()
        h, c = State(), State()
        W, U, W_in = Matrix(H, I), Matrix(H, H, names="fast"), Matrix(H, I)
        alpha, lambda_, gate_bias, h1, v_h_x = (Vector(H) for _ in range(5))

        forget_gate = sigmoid(W @ x + U.fast @ h + gate_bias + v_h_x)
        c_next = alpha * c + lambda_ * forget_gate + W_in @ x
        h_next = tanh(c_next) * h1

    assert symbols(Named) == {
        "x": "x_t",
        "h": "h_{t-1}",
        "c": "c_{t-1}",
        "W": "W",
        "U_fast": r"U_{\mathrm{fast}}",
        "W_in": r"W_{\mathrm{in}}",
        "alpha": r"\alpha",
        "lambda_": r"\lambda",
        "gate_bias": r"\mathrm{gate\_bias}",
        "h1": "h_1",
        "v_h_x": r"v_{h \, x}",
        "forget_gate": r"\mathrm{forget\_gate}_t",
        "c_next": "c_t",
        "h_next": "h_t",
    }


@each(CELLS)
def test_each_quantity_has_a_symbol_of_its_own(cell):
    book = textbook(adjoint(cell))
    made = [Latex(book).named(name) for name in book.names.values()]
    assert len(set(made)) == len(made)


NAMES = st.from_regex(r"[abx][ab12_]{0,4}", fullmatch=True)


@given(st.lists(NAMES, min_size=4, max_size=8, unique=True))
def test_no_two_names_look_alike(names):
    x, h, *weights = (Quantity(name, (H,)) for name in names)
    new = Quantity("new", (H,))
    rhs = sp.Add(x, *(tanh(w * h) for w in weights))
    cell = cells.Cell(
        name="names", title="Names", doc="", inputs=(Quantity(x.name, (H,)),), states=(h,),
        parameters=tuple(weights), equations=(cells.Equation(new, rhs),), updates={h: new},
        output=new,
    )  # fmt: skip
    made = list(symbols(cell).values())
    assert len(set(made) - {"h_t"}) == len(made)
    for symbol in made:
        read(symbol)


# --- running text and long lines -----------------------------------------------------------------


def test_escape():
    assert escape("50% of a_b & {c} #1 $2 ^~\\") == (
        r"50\% of a\_b \& \{c\} \#1 \$2 \textasciicircum{}\textasciitilde{}\textbackslash{}"
    )
    assert escape("Jürgen, naïve\n  Łódź ß") == r"J\"{u}rgen, na\"{i}ve \L{}\'{o}d\'{z} \ss{}"
    assert escape("σ(x) → ½") == r"$\sigma$(x) $\to$ $\frac12$"
    assert escape("中\x07") == r"\texttt{U+4E2D}\allowbreak{}"


@given(st.text())
def test_any_text_can_be_set(text):
    made = escape(text)
    assert made.isascii() and made.isprintable()
    nodes, *_ = LatexWalker(made, tolerant_parsing=False).get_latex_nodes()
    macros = [node.macroname for node in nodes if hasattr(node, "macroname")]
    assert not {"input", "end", "begin", "write", "include"} & set(macros)


@given(st.text(string.ascii_letters + " ()" + "".join(MARKS), max_size=60), st.integers(1, 30))
def test_breaking_a_line_loses_nothing(text, width):
    lines = fill(text, len, width, width)
    put_together = "".join(plain(line) for _, line in lines)
    assert put_together.replace(" ", "") == plain(text).replace(" ", "")


def test_long_lines_are_broken_between_terms_first():
    term, factor, _ = MARKS
    text = f"a{factor} * (b{term} + c){term} + d{factor} * e"
    assert [plain(line) for _, line in fill(text, lambda t: len(plain(t)), 14, 14)] == [
        "a * (b + c)",
        "+ d * e",
    ]
    assert [(d, plain(line)) for d, line in fill(text, lambda t: len(plain(t)), 8, 8)] == [
        (0, "a"),
        (1, "* (b"),
        (2, "+ c)"),
        (0, "+ d * e"),
    ]


# --- that it compiles ----------------------------------------------------------------------------

PDFLATEX = shutil.which("pdflatex")
MISSING = [
    package
    for package in ("amsmath", "booktabs", "geometry", "lmodern", "longtable")
    if PDFLATEX and subprocess.run(["kpsewhich", f"{package}.sty"], capture_output=True).returncode
]
compiles = pytest.mark.skipif(
    not PDFLATEX or bool(MISSING),
    reason="pdflatex is not installed (Debian: texlive-latex-extra, lmodern)"
    if not PDFLATEX
    else f"LaTeX packages are not installed: {', '.join(MISSING)}",
)


def compiled(text, folder):
    """The log of a document that compiles without an error."""
    (folder / "cell.tex").write_text(text, encoding="utf-8")
    result = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "cell.tex"],
        cwd=folder, capture_output=True, env={**os.environ, "max_print_line": "1000"},
    )  # fmt: skip
    log = (folder / "cell.log").read_text(encoding="latin-1")
    assert result.returncode == 0, re.findall(r"^!.*(?:\n.*){4}", log, re.MULTILINE)
    assert (folder / "cell.pdf").stat().st_size > 10_000
    return log


@compiles
@pytest.mark.parametrize("cell", sampled(TYPESET, ["lstm", "slstm"]))
def test_the_document_compiles(cell, tmp_path):
    log = compiled(document(cell), tmp_path)
    assert not re.findall(r"^(?:Overfull|.*Warning).*", log, re.MULTILINE)


@compiles
@pytest.mark.parametrize("cell", sampled(TYPESET[:-2], ["lstm", "slstm"]))
def test_the_fragment_fits_the_plainest_document(cell, tmp_path):
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n\\allowdisplaybreaks\n"
    body = f"\\begin{{document}}\nSo:\n{fragment(cell)}\\end{{document}}\n"
    assert "Overfull" not in compiled(head + body, tmp_path)


@compiles
def test_an_overfull_line_would_be_seen(tmp_path):
    text = document(GRU).replace(r"x_t + U_z", "x_t + " + "x_t + " * 60 + "U_z")
    assert "Overfull" in compiled(text, tmp_path)


@compiles
def test_widths_are_near_what_they_are(tmp_path):
    formulas = [
        right.replace(r"\textstyle", "")
        for cell in CLEAR
        for block in blocks(fragment(cell))
        for _, right in equations(block)
    ]
    measured = "".join(
        f"\\setbox0=\\hbox{{$\\displaystyle {f}$}}\\typeout{{WIDTH \\the\\wd0}}\n" for f in formulas
    )
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n"
    tail = "\n" + "A page. " * 200 + "\\end{document}\n"
    log = compiled(head + measured + tail, tmp_path)
    widths = [float(w) / 10 for w in re.findall(r"^WIDTH ([\d.]+)pt", log, re.MULTILINE)]
    assert len(widths) == len(formulas)
    for formula, width in zip(formulas, widths, strict=True):
        assert width <= em(formula) * 1.02 + 0.3, formula
        assert em(formula) <= width * 1.6 + 1, formula


def test_the_document_has_everything():
    text = document(library.load("lstm"))
    assert all(block in text for block in blocks(fragment(library.load("lstm"))))
    assert r"\section*{LSTM}" in text
    assert r"Gers, Schmidhuber \& Cummins (2000)" in text
    assert r"$U_f$ & \texttt{U\_f} & $H \times H$ & parameter \\" in text
    assert r"$b_f$ & \texttt{b\_f} & $H$ & parameter, at first $1$ \\" in text
    assert "$4H I + 4H^2 + 4H$ numbers" in text
    assert r"\input" not in document(UNPLEASANT[0]).replace(r"\textbackslash{}input", "")
