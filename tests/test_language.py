"""What a person may write as a cell, and what they are told where it is wrong.

Most tests give a cell's body as text. `{…}` in a table of bad bodies is what the message has to
name.
"""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
from functools import cache
from itertools import permutations

import numpy as np
import pytest
import reference
import sympy as sp

from derive import cell as core
from derive import elementwise as elementwise_module
from derive import language
from derive.cell import Equation
from derive.compiler import generate
from derive.display.derivation import Minimum
from derive.elementwise import Declared, Elementwise, sigmoid, tanh
from derive.library import load, load_file
from derive.nodes import Axis, CellError, H, I, Quantity, Size
from derive.wellformed import FUNCTIONS, check_name

HEAD = """
x = Input()
h, c = State(), State()
W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
"""
GOOD = """
f = sigmoid(W.f @ x + U.f @ h + b.f)
c_next = f * c + (1 - f) * tanh(W.c @ x)
h_next = tanh(c_next)
"""


def define(body, doc=""):
    """The cell with that body; of HEAD's families, those that the body uses."""
    rest = body.replace(HEAD, "")
    if body.startswith(HEAD):
        used = [k for k in range(3) if re.search(rf"\b{'WUb'[k]}\b", rest)]
        shapes = ["Matrix(H, I)", "Matrix(H, H)", "Vector(H)"]
        families = "".join(f"{'WUb'[k]} = {shapes[k]}\n" for k in used)
        body = "\n".join(HEAD.splitlines()[:3]) + "\n" + families + rest
    source = f"class Mine(Cell):\n{textwrap.indent((doc + body).strip(), '    ')}"
    namespace = {**{name: getattr(language, name) for name in language.__all__}, "sp": sp}
    exec(source, namespace)
    return namespace["Mine"]


def error_of(body, doc=""):
    """What a person is told about that body: one sentence."""
    with pytest.raises(CellError) as raised:
        define(body, doc)
    text = str(raised.value)
    assert "\n" not in text and len(text) < 300, text
    assert "Quantity" not in text and "MatVec" not in text and "sympy" not in text.lower(), text
    return text


def works(cell, text=None):
    """Generate a cell and check that it computes what its equations say, and its gradient."""
    m = reference.module_of(cell, text=text)
    rng = np.random.default_rng(0)
    sizes = dict(zip(cell.axes, range(2, 2 + len(cell.axes)), strict=True))
    params = m.Params(*sizes.values())
    params.flat[:] = rng.normal(size=params.flat.size) * 0.5
    xs = rng.normal(size=(3, 2, params.input_size))
    state = m.State(*(rng.normal(size=(2, sizes[s.axes[0]])) for s in cell.states))
    ys, final, tape = m.forward(params, xs, state)
    want, end = reference.run(cell, params, xs, state._asdict())
    np.testing.assert_allclose(ys, want, rtol=1e-10, atol=1e-12)
    for name, array in end.items():
        np.testing.assert_allclose(getattr(final, name), array, rtol=1e-10, atol=1e-12)
    dys, v = rng.normal(size=ys.shape), rng.normal(size=params.flat.size)
    dparams, dxs, dstate = m.backward(params, tape, dys)
    z = m.Params(*sizes.values(), np.complex128)
    z.flat[:] = params.flat + 1e-30j * v
    moved = m.forward(z, xs + 0j, m.State(*(s + 0j for s in state)))[0]
    slope = np.sum(dys * moved.imag) * 1e30
    assert dparams.flat @ v == pytest.approx(slope, rel=1e-10, abs=1e-12)
    direction = m.Params(*sizes.values())
    direction.flat[:] = v
    ys_dot, _ = m.jvp(params, tape, direction)
    scale = 1 + np.abs(ys_dot).max()
    np.testing.assert_allclose(ys_dot, moved.imag * 1e30, rtol=1e-9, atol=1e-12 * scale)
    hv = m.hvp(params, tape, dys, direction)[0]
    assert np.isfinite(hv.flat).all()
    return {
        "ys": ys, "final": final, "dparams": dparams, "dxs": dxs, "dstate": dstate, "hv": hv,
    }  # fmt: skip


# --- what is right -------------------------------------------------------------------------------


def test_the_usual_cell():
    cell = define(HEAD + GOOD)
    assert [str(e.lhs) for e in cell.equations] == ["f", "c_next", "h_next"]
    assert {p.name for p in cell.parameters} == {"W_f", "U_f", "b_f", "W_c"}
    assert cell.output.name == "h_next"  # of the first state
    works(cell)


def test_lines_may_stand_in_any_order():
    """The order of evaluation follows from the equations."""
    lines = [
        "z = tanh(c_next * h)",
        "c_next = c + tanh(h_next)",
        "h_next = tanh(W.h @ x + U.h @ h + b.h) + z0",
        "z0 = sigmoid(W.z0 @ x)",
    ]
    results = []
    for order in permutations(lines):
        try:
            cell = define(HEAD + "\n".join(order) + "\ny = Output(z)")
        except NameError:  # a name that is no state's is written before it is read
            continue
        results.append(works(cell)["ys"])
        assert [e.lhs.name for e in cell.equations].index("z0") < [
            e.lhs.name for e in cell.equations
        ].index("h_next")
    assert len(results) >= 6
    for ys in results[1:]:
        np.testing.assert_array_equal(ys, results[0])


def test_the_new_state_may_be_read_above_its_equation():
    cell = define(HEAD + "o = sigmoid(U.o @ c_next)\nc_next = tanh(W.c @ x + h)\nh_next = o * c")
    assert [e.lhs.name for e in cell.equations] == ["c_next", "o", "h_next"]
    works(cell)


def test_an_output_of_its_own():
    cell = define(HEAD + GOOD + "y = Output(h_next * sigmoid(b.y))")
    assert cell.output.name == "y"
    assert "y" not in [s.name for s in cell.states]
    works(cell)


def test_the_output_may_be_used_further():
    works(define(HEAD + "y = Output(tanh(W.y @ x + h))\nh_next = y * c\nc_next = c - y + h"))


@pytest.mark.parametrize(
    "constant",
    ["0.1", "2", "-3", "1/3", "sp.Rational(2, 7)", "sp.pi", "sp.E", "sp.sqrt(2)", "sp.GoldenRatio",
     "1e-300", "1e300", "0.1 + 0.2"],
)  # fmt: skip
def test_a_number_may_have_a_name(constant):
    """Python's numbers are constants, and so are SymPy's, where they are finite and real."""
    try:
        cell = define(f"{HEAD}dt = {constant}\nh_next = tanh(dt / 1e300 * h + b.h + W.h @ x)\n"
                      "c_next = h + c / dt")  # fmt: skip
    except CellError as error:
        assert constant.startswith("sp."), error  # SymPy's needs no name
        cell = define(f"{HEAD}h_next = tanh({constant} * h + b.h + W.h @ x)\n"
                      f"c_next = h + c / ({constant})")  # fmt: skip
    m = reference.module_of(cell)
    params = m.Params(2, 3)
    assert np.isfinite(m.forward(params, np.ones((2, 1, 2)))[0]).all()


@pytest.mark.parametrize("power", ["2", "3", "-1", "-2", "0.5", "-0.5", "1.5", "7",
                                   "sp.Rational(1, 3)", "sp.Rational(-2, 3)"])  # fmt: skip
def test_a_power_of_a_number(power):
    works(define(f"{HEAD}h_next = (1 + sigmoid(W.h @ x + h + c)) ** ({power})\nc_next = h"))


@pytest.mark.parametrize(
    "term",
    [
        "sum(x)", "mean(x)", "sum(h) * h", "h - mean(h)", "maximum(h, c)", "maximum(h, 0.1)",
        "minimum(h, c)", "minimum(0.2, h)", "relu(h)", "softplus(h)", "absolute(h)", "sign(h) * c",
        "exp(-h**2)", "log(1 + h**2)", "sqrt(1 + h**2)", "sin(h)", "cos(h)", "1 / (1 + exp(-h))",
        "h / (1 + c**2)", "1 / (2 + sigmoid(h))", "h * h * h", "-h", "3 - h", "tanh(1)", "b.h * h",
        "U.h @ (h * c)", "U.h @ tanh(h)", "U.h @ (U.h @ h)", "(U.h @ h) * (U.h @ h)",
        "(U.h @ h) / (2 + sigmoid(U.h @ h))", "U.h @ h + U.h @ c", "U.h @ (-h)", "-(U.h @ h)",
        "U.h @ b.h", "U.h @ (h + 1)", "tanh(U.h @ h) * tanh(U.h @ h)", "tanh(tanh(tanh(h)))",
        "sigmoid(sigmoid(h) + tanh(h))", "b.h", "tanh(b.h)", "exp(b.h) * h", "mean(b.h) * h",
        "sum(U.h @ h)", "s.h * h", "s.h", "tanh(s.h)", "(h - mean(h)) / sqrt(mean((h - mean(h))**2)"
        " + 0.01)", "U.h @ (c * mean(h))", "0 * c + h", "h**2 * c**2", "(h + c)**2",
        "(h + c) * (h - c)", "h * (c + h * (c + h))", "U.h @ h * b.h", "maximum(U.h @ h, U.h @ c)",
        "sum(h * c) * sum(h)", "sum(sum(h) * h) * h",
    ],
)  # fmt: skip
def test_every_word_of_the_language(term):
    """Each term, in a cell of two states where everything else is plain."""
    family = "s = Scalar()\n" if "s.h" in term else ""
    works(define(f"{HEAD}{family}h_next = tanh(W.h @ x + c) + {term}\nc_next = tanh(h) + c / 2"))


@pytest.mark.parametrize("update", [
    "h", "c", "h_next", "c + h", "b.c", "tanh(b.c)", "W.c @ x", "tanh(W.c @ x)", "-c", "2 * h",
    "U.c @ h", "U.c @ c", "tanh(h)", "h_next * c", "U.c @ h_next", "mean(h) + 0 * c", "mean(x)",
    "1 - c", "sp.S(1)", "c * c", "relu(c)", "sign(c)",
])  # fmt: skip
def test_every_way_to_hand_a_state_on(update):
    """A state may be copied, swapped, delayed, reset, or fed from anything."""
    works(define(f"{HEAD}h_next = tanh(W.h @ x + U.h @ c + b.h) + h\nc_next = {update}"))


def test_states_may_be_swapped():
    works(define(HEAD + "h_next = c\nc_next = h + W.c @ x"))


def test_a_delay_line_of_four_states():
    works(
        define("""
x = Input()
h, d1, d2, d3 = State(), State(I), State(I), State(I)
W, U = Matrix(H, I), Matrix(H, H)
d1_next = x
d2_next = d1
d3_next = d2
h_next = tanh(U @ h + W.h @ d3)
""")
    )


def test_a_state_of_another_length():
    P = Axis("P", "projection_size")
    language_names = {name: getattr(language, name) for name in language.__all__}
    namespace = {**language_names, "P": P}
    exec(
        textwrap.dedent("""
    class Projected(Cell):
        x = Input()
        r, c = State(P), State()
        W, U, V = Matrix(H, I), Matrix(H, P), Matrix(P, H)
        c_next = c / 2 + tanh(W @ x + U @ r)
        r_next = V @ tanh(c_next)
    """),
        namespace,
    )
    cell = namespace["Projected"]
    assert {a.argument for a in cell.axes} == {"input_size", "projection_size", "hidden_size"}
    works(cell)


def test_a_family_without_a_member_is_one_parameter():
    cell = define("x = Input()\nh = State()\nW, U, b = Matrix(H, I), Matrix(H, H), Vector(H)\n"
                  "h_next = tanh(W @ x + U @ h + b)")  # fmt: skip
    assert [p.name for p in cell.parameters] == ["W", "U", "b"]


@pytest.mark.parametrize("formula", ["b + h", "h + b", "b - h", "h - b", "b * h", "h * b", "b / 2",
                                     "h / b", "2 / b", "-b * h", "b ** 2", "tanh(b) * h",
                                     "maximum(b, h)", "mean(b) * h", "sum(b) + h"])  # fmt: skip
def test_a_family_stands_in_every_formula(formula):
    cell = define("x = Input()\nh = State()\nW, b = Matrix(H, I), Vector(H)\n"
                  f"h_next = tanh(W @ x) + {formula} + 3 * h")  # fmt: skip
    assert "b" in [p.name for p in cell.parameters]
    generate(cell)


def test_members_that_serve_no_equation_are_listed():
    works(define("x = Input()\nh = State()\nW = Matrix(H, I, names='left right')\n"
                 "h_next = tanh(W.left @ x) * sigmoid(W.right @ x) + h"))  # fmt: skip


def test_initial_values():
    cell = define("x = Input()\nh = State()\nW, b, s = Matrix(H, I), Vector(H, h=-2), Scalar(h=3)\n"
                  "h_next = s.h * tanh(W.h @ x + b.h) + h")  # fmt: skip
    m = reference.module_of(cell)
    params = m.init(np.random.default_rng(0), 2, 3)
    assert np.all(params["b_h"] == -2) and np.all(params["s_h"] == 3)


# --- what is wrong: the body, and what the message has to name -----------------------------------

BAD = {
    "no input": ("h = State()\nU = Matrix(H, H)\nh_next = tanh(U @ h)", ["Mine", "input"]),
    "no state": ("x = Input()\nW = Matrix(H, I)\ny = Output(tanh(W @ x))", ["state"]),
    "a second input is not used": (HEAD + "z = Input()" + GOOD, ["z", "never used"]),
    "an input along no axis": (HEAD + "z = Input(3)" + GOOD, ["3", "axis", "Input(())"]),
    "two numbers of the step": (HEAD + "t = StepNumber()\nk = StepNumber()" + GOOD, ["k", "t"]),
    "input is not used": (HEAD + "h_next = tanh(U.h @ h)\nc_next = c + h", ["x", "never used"]),
    "state is not used": ("x = Input()\nh, c = State(), State()\nW = Matrix(H, I)\n"
                          "h_next = tanh(W.h @ x) + h\nc_next = h_next", ["c", "never read"]),
    "state is not updated": (HEAD + "h_next = tanh(W.h @ x + c + U.h @ h + b.h)",
                             ["c", "c_next"]),
    "equation is not used": (HEAD + "f = sigmoid(W.f @ x)" + "\nc_next = tanh(c)\n"
                             "h_next = U.h @ h + c_next + b.h", ["f", "never used"]),
    "family is not used": ("x = Input()\nh = State()\nW, b = Matrix(H, I), Vector(H)\n"
                           "h_next = tanh(W @ x) + h", ["b", "never used"]),
    "circle": (HEAD + "h_next = tanh(c_next + W.h @ x)\nc_next = h_next + c + U.c @ h + b.c",
               ["h_next", "c_next", "circular"]),
    "circle of one": (HEAD + "c_next = c + tanh(c_next)\nh_next = W.h @ x + h + U.h @ c + b.h",
                      ["c_next", "circular"]),
    "twice": (HEAD + "f = tanh(W.f @ x)\nf = tanh(U.f @ h)\nh_next = f + c + b.h\nc_next = h",
              ["f", "twice"]),
    "next twice": (HEAD + "h_next = W.h @ x + c\nh_next = U.h @ h\nc_next = h + b.c",
                   ["h_next", "twice"]),
    "input redefined": (HEAD + "x = tanh(W.h @ x)" + GOOD, ["x", "twice"]),
    "state redefined": (HEAD + "c = tanh(W.h @ x)" + GOOD, ["c", "twice"]),
    "family redefined": (HEAD + "W = Matrix(H, H)" + GOOD, ["W", "twice"]),
    "parameter's name": (HEAD + GOOD + "W_f = tanh(b.f)\n", ["W_f", "twice"]),
    "matrix does not fit": (HEAD + "f = sigmoid(W.f @ h)\nh_next = f + c + x + U.h @ h + b.h\n"
                            "c_next = h", ["f", "W_f", "(H, I)", "h", "(H,)"]),
    "matrix does not fit, new state": (
        HEAD + "h_next = tanh(U.h @ x + c + b.h)\nc_next = W.c @ h",
        ["h_next", "U_h", "(H, H)", "x", "(I,)"]),
    "sum does not fit": (HEAD + "f = tanh(x + h)\nh_next = f + c + W.h @ x + U.h @ h + b.h\n"
                         "c_next = h", ["f", "x", "(I,)", "h", "(H,)"]),
    "product does not fit": (HEAD + "f = x * (h + b.f)\nh_next = c + W.h @ f + U.h @ h\n"
                             "c_next = h", ["f", "(I,)", "(H,)"]),
    "matrix times vector": (HEAD + "h_next = tanh(W.h * x + c)\nc_next = h + U.c @ c + b.c",
                            ["h_next", "W_h", "(H, I)"]),
    "rows or columns": (HEAD + "f = tanh(U.f) * h\nh_next = W.h @ x + c + b.h\nc_next = h + mean(f"
                        " @ h)", ["f", "rows", "columns"]),
    "vector on the left": (HEAD + "f = x @ W.f\nh_next = f + c + U.h @ h + b.h\nc_next = h",
                           ["f", "matrix", "x"]),
    "matrix on the right": (HEAD + "f = U.f @ W.f\nh_next = tanh(f @ x) + c + b.h + h\nc_next = h",
                            ["f"]),
    "number on the right": (HEAD + "f = U.f @ 2\nh_next = tanh(f) + c + b.h + W.h @ x + h\n"
                            "c_next = h", ["f", "U_f", "(H, H)"]),
    "new state does not fit": ("x = Input()\nh, c = State(), State()\nW = Matrix(H, I)\n"
                               "h_next = tanh(W @ x) + h + c\nc_next = x", ["c_next"]),
    "scalar output": (HEAD + GOOD + "y = Output(mean(h_next))", ["y", "vector"]),
    "mean of a number": (HEAD + GOOD.replace("tanh(c_next)", "tanh(c_next) * mean(3)"), []),
    "sum of a sum": (HEAD + "h_next = sum(sum(h)) + c + W.h @ x\nc_next = h + U.c @ c + b.c",
                     ["h_next", "vector"]),
    "member of no equation": (HEAD + GOOD.replace("W.f", "W.forget"), ["W", "forget"]),
    "mistyped member": (HEAD + GOOD.replace("b.f", "b.ff"), ["b", "ff"]),
    "initial value of nothing": (HEAD.replace("Vector(H)", "Vector(H, k=1)") + GOOD, ["b_k"]),
    "initial value no number": (HEAD.replace("Vector(H)", "Vector(H, f='one')") + GOOD, ["b_f"]),
    "initial value nan": (HEAD.replace("Vector(H)", "Vector(H, f=float('nan'))") + GOOD, ["b_f"]),
    "initial value inf": (HEAD.replace("Vector(H)", "Vector(H, f=1e999)") + GOOD, ["b_f"]),
    "initial value complex": (HEAD.replace("Vector(H)", "Vector(H, f=1j)") + GOOD, ["b_f"]),
    "initial value a list": (HEAD.replace("Vector(H)", "Vector(H, f=[1])") + GOOD, ["b_f"]),
    "shape of numbers": (HEAD.replace("Vector(H)", "Vector(3)") + GOOD, ["3"]),
    "shape of text": (HEAD.replace("Vector(H)", "Vector('H')") + GOOD, ["'H'"]),
    "state of a number": (HEAD.replace("State(), State()", "State(), State(3)") + GOOD, ["3"]),
    "state of text": (HEAD.replace("State(), State()", "State(), State('H')") + GOOD, ["'H'"]),
    "undeclared name": (HEAD + "from math import pi as f\n" + GOOD.replace("f = ", "q = "), []),
    "text": (HEAD + "note = 'hello'" + GOOD, ["note", "str"]),
    "list": (HEAD + "l = [1, 2]" + GOOD, ["l", "list"]),
    "complex number": (HEAD + "z = 1j" + GOOD, ["z", "complex"]),
    "function": (HEAD + "def gate(a): return a" + GOOD, ["gate", "function"]),
    "underscore": (HEAD + "_f = tanh(W.f @ x)" + GOOD, ["_f"]),
    "Greek": (HEAD + "σ = tanh(W.f @ x)" + GOOD, ["σ"]),
    "symbolic power": (HEAD + "h_next = c ** h + W.h @ x\nc_next = h + U.c @ c + b.c",
                       ["h_next", "c**h"]),
    "number to a vector": (HEAD + "h_next = 2 ** h + W.h @ x\nc_next = h + U.c @ c + b.c",
                           ["h_next", "2**h"]),
    "SymPy's function": (HEAD + "h_next = sp.tanh(h) + W.h @ x\nc_next = h + U.c @ c + b.c",
                         ["h_next", "tanh(h)"]),
    "SymPy's maximum": (HEAD + "h_next = sp.Max(h, c) + W.h @ x\nc_next = h + U.c @ c + b.c",
                        ["h_next"]),
    "any function": (HEAD + "h_next = sp.Function('gate')(h) + W.h @ x\nc_next = h + U.c @ c + b.c",
                     ["h_next", "gate"]),
    "piecewise": (HEAD + "h_next = sp.Piecewise((h, h > 0), (c, True)) + W.h @ x\n"
                  "c_next = h + U.c @ c + b.c", ["h_next"]),
    "foreign symbol": (HEAD + "h_next = sp.Symbol('k') * h + W.h @ x\nc_next = h + U.c @ c + b.c",
                       ["h_next", "k"]),
    "imaginary": (HEAD + "h_next = sp.I * h + W.h @ x\nc_next = h + U.c @ c + b.c", ["h_next"]),
    "complex factor": (HEAD + "h_next = 1j * h + W.h @ x\nc_next = h + U.c @ c + b.c", ["h_next"]),
    "infinity": (HEAD + "h_next = float('inf') * h + W.h @ x\nc_next = h + U.c @ c + b.c",
                 ["h_next"]),
    "nan": (HEAD + "h_next = float('nan') + h + W.h @ x\nc_next = h + U.c @ c + b.c", ["h_next"]),
    "division by zero": (HEAD + "h_next = h / 0 + W.h @ x\nc_next = h + U.c @ c + b.c",
                         ["h_next"]),
    "imaginary power": (HEAD + "h_next = h ** 1j + W.h @ x\nc_next = h + U.c @ c + b.c",
                        ["h_next"]),
    "infinite power": (HEAD + "h_next = h ** float('inf') + W.h @ x\nc_next = h + U.c @ c + b.c",
                       ["h_next"]),
    "root of a negative number": (HEAD + "h_next = sp.sqrt(-2) * h + W.h @ x\n"
                                  "c_next = h + U.c @ c + b.c", ["h_next"]),
    "beyond floating point": (HEAD + "h_next = sp.Float('1e999') * h + W.h @ x\n"
                              "c_next = h + U.c @ c + b.c", ["h_next"]),
    "beyond floating point, integer": (HEAD + "h_next = 10**400 * h + W.h @ x\n"
                                       "c_next = h + U.c @ c + b.c", ["h_next"]),
    "a comparison": (HEAD + "m = h > c" + GOOD, ["m"]),
    "two outputs": (HEAD + GOOD + "y = Output(h_next * 2)\nz = Output(y + c_next)", ["z", "y"]),
    "nothing but an input": ("x = Input()", ["state"]),
    "an output of nothing": (HEAD + GOOD + "y = Output(None)", ["y"]),
    "an output of text": (HEAD + GOOD + "y = Output('h')", ["y"]),
    "a product with text": (HEAD + GOOD + "y = Output(W.y @ 'h')", ["y"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_said(what):
    body, names = BAD[what]
    if what == "undeclared name":
        body = HEAD + GOOD.replace("b.f", "q")
        with pytest.raises(NameError, match="q"):
            define(body)
        return
    text = error_of(body)
    for name in names:
        assert name in text, text


@pytest.mark.parametrize("body", [
    HEAD + "h_next = tanh(q + W.h @ x)\nc_next = h + U.c @ c + b.c",
    HEAD + "h_next = tanh(d_next + W.h @ x)\nc_next = h + U.c @ c + b.c",
    "W = Matrix(H, I)\nf = W @ x\nx = Input()\n",
])  # fmt: skip
def test_an_undefined_name_is_python_s_own_error(body):
    with pytest.raises(NameError):
        define(body)


@pytest.mark.parametrize("body, about", [
    (HEAD + "h_next = (U.a + U.b) @ (h * c)\n", "one side of @ must have a name"),
    (HEAD + "h_next = tanh(h, c)\n", "tanh"),
    (HEAD + "h_next = tanh()\n", "tanh"),
    (HEAD + "h_next = maximum(h)\n", "maximum"),
    (HEAD + "h_next = W.h[0] @ x\n", ""),
    (HEAD + "h_next = max(h, c)\n", ""),
    (HEAD + "h_next = h if h > c else c\n", ""),
    (HEAD + "W.h = 3\n", ""),
    (HEAD + "h_next = tanh('h')\n", ""),
    (HEAD + "h_next = None\n", "h_next"),
    (HEAD + "h_next = W\n", "h_next"),
    (HEAD + "h_next = W.h @ x @ h\n", ""),
    (HEAD + "h_next = undefined_name\n", "`undefined_name` is not defined"),
    (HEAD + "h_next = 1 / 0\n", ""),
    (HEAD + "h_next += 1\n", ""),
    (HEAD + "h_next = tanh(W.h @ x\n", ""),
    (HEAD + "\th_next = 1\n", ""),
    ("raise KeyboardInterrupt", None),
    ("raise ValueError('two\\nlines')", "two lines"),
    ("x = Input(3)", ""),
    ("x = Matrix(H)", ""),
])  # fmt: skip
def test_a_file_with_an_error_is_told_in_one_line_with_its_place(tmp_path, body, about):
    path = tmp_path / "mine.py"
    path.write_text("from derive.language import *\n\n\nclass Mine(Cell):\n"
                    + textwrap.indent(body.strip(), "    ") + "\n")  # fmt: skip
    if about is None:  # whoever presses a key wants to stop
        with pytest.raises(KeyboardInterrupt):
            load(str(path))
        return
    with pytest.raises(CellError) as raised:
        load(str(path))
    text = str(raised.value)
    assert "\n" not in text and str(path) in text, text
    assert about in text, text


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", sorted({*keyword.kwlist}))
def test_a_keyword_is_refused(word):
    with pytest.raises(CellError, match=word):
        check_name(word)


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a\nimport os", "a;b", "1a", "a-b", "a.b", "a'", 'a"', "a\\", "__import__",
     "_a", "é", "a\u200b", "ａ", "a\x00", "{{ a }}", "a#", "a\n", "\na", "a\r", "a)", "(a",
     "__class__", "a" * 2 + "\u2028" + "b"],
)  # fmt: skip
@pytest.mark.parametrize("role", ["x", "h", "W", "f", "h_next", "module"])
def test_no_name_smuggles_anything_in(name, role):
    with pytest.raises(CellError) as raised:
        small_cell(**{role: name})
    assert "\n" not in str(raised.value)


def small_cell(**other):
    """A cell made of parts, with some of its names or fields exchanged."""

    def named(role, axes=(H,)):
        return Quantity(other.get(role, role), axes)

    x, h, W, U = named("x", (I,)), named("h"), named("W", (H, I)), named("U", (H, H))
    f, new = named("f"), named("h_next")
    fields = {
        "name": other.get("module", "small"),
        "title": "Small",
        "doc": "",
        "inputs": (x,),
        "states": (h,),
        "parameters": (W, U),
        "equations": (Equation(f, sigmoid(W @ x)), Equation(new, tanh(U @ h) * f)),
        "updates": {h: new},
        "output": new,
        "initial": {},
    }
    return core.Cell(**(fields | {k: v for k, v in other.items() if k in fields}))


# --- smuggling -----------------------------------------------------------------------------------

EVIL = [
    '"""\nimport os\nraise SystemExit("smuggled")\n"""',
    "'''\nraise SystemExit\n'''",
    '"""', '""""', 'ends with a quote"', 'ends with two""', "ends with a backslash\\",
    'a \\""" b', "\\N{DASH} \\x \\u12 \\", "{{ 7 * 7 }} {% for x in y %} {# no #}", "{% raw %}",
    "two\r\nlines\rof\x0ctext\x0b", "a\u2028b\u2029c\x85d\x1cd", "\x00", "\ud800", "# comment",
    "very " * 60 + "long", "\\sigma(W x) and \\mathbf{x} \\n \\t", 'r"""', "%s %d {} {0}",
    "\u202e right to left", "'''" + '"""', '\n"""\n', "<script>", "\t tab\n\t\ttab", "​",
]  # fmt: skip


def skeleton(text):
    """The code of a module, without any of its strings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@cache
def plain():
    return skeleton(generate(small_cell())["small.py"])


@pytest.mark.parametrize("doc", EVIL, ids=range(len(EVIL)))
@pytest.mark.parametrize("field", ["doc", "title", "second line"])
def test_no_text_smuggles_anything_in(doc, field):
    """A cell's docstring and title may say anything: the code stays what it is."""
    other = {"title": doc} if field == "title" else {"doc": doc}
    if field == "second line":
        other = {"doc": f"First.\n\nThen {doc}\nLast."}
    try:
        text = generate(small_cell(**other))["small.py"]
    except CellError as error:  # refused is as good
        assert "\n" not in str(error)
        return
    assert skeleton(text) == plain()
    text.encode()
    module = reference.module_of(None, text=text)
    assert "{{ 7" not in doc or "49" not in module.__doc__.partition("{{")[0]
    if doc.isascii() and doc.isprintable() and len(doc) < 60 and not set(doc) & set("\"'"):
        assert doc in module.__doc__  # said as the author said it, backslashes and all
    if field != "second line":  # that one is the author's own
        assert max(map(len, text.splitlines())) <= 100


def test_a_docstring_of_its_own_lines_stays_as_it_is():
    doc = "Short.\n\nA line with \\alpha and {{ braces }}.\n    Indented.\nLast."
    module = reference.module_of(small_cell(doc=doc))
    for line in doc.splitlines()[1:]:
        assert line in module.__doc__
    assert module.__doc__.splitlines()[0].endswith("Short.")


def test_a_summary_over_two_lines_stays_one_paragraph():
    """The first paragraph of a docstring may be broken into lines."""
    module = reference.module_of(small_cell(doc="A cell whose summary\ngoes on.\n\nMore."))
    first = module.__doc__.partition("\n\n")[0]
    assert "goes on." in first


@pytest.mark.parametrize(
    "axis",
    [
        ("H\nimport os", "hidden_size"), ("P", "size\nimport os"), ("P", "p-size"), ("P", ""),
        ("", "size"), ("P", "class"), ("P", "self"), ("T", "time"), ("B", "batch"),
        ("H", "other_size"), ("I", "items"), ("P", "hidden_size"), ("P", "dtype"), ("P", "flat"),
        ("P", "params"), ("f", "f_size"), ("W", "w_size"), ("P", "copy"), ("P", "zeros"),
        ("P", "stacked"), ("P", "rng"), ("P", "keys"), ("np", "n_p"), ("if", "if_size"),
        ("P", "get"), ("P", "items"), ("P", "values"), ("P", "_flat"), ("P", "SHAPES"),
        ("P", "lengths"), ("P", "sizes"), ("P", "np"), ("P", "__class__"), ("PP", "double"),
    ],
)  # fmt: skip
def test_an_axis_is_refused_or_it_works(axis):
    """Axes are a person's own as well: their letters and argument names end up in the code."""
    A = Axis(*axis)
    x, h, c = Quantity("x", (I,)), Quantity("h", (H,)), Quantity("c", (A,))
    W, V, U = Quantity("W", (H, I)), Quantity("V", (A, H)), Quantity("U", (H, A))
    f, h_next, c_next = Quantity("f", (H,)), Quantity("h_next", (H,)), Quantity("c_next", (A,))
    try:
        cell = core.Cell(
            name="axes", title="Axes", doc="", inputs=(x,), states=(h, c), parameters=(W, V, U),
            equations=(
                Equation(f, tanh(W @ x)),
                Equation(c_next, c / 2 + V @ f),
                Equation(h_next, language.mean(h) + U @ c_next),
            ),
            updates={h: h_next, c: c_next}, output=h_next,
        )  # fmt: skip
    except CellError as error:
        assert "\n" not in str(error)
        return
    works(cell)


def test_a_size_must_be_one_of_the_cell_s():
    x, h, W = Quantity("x", (I,)), Quantity("h", (H,)), Quantity("W", (H, I))
    new = Quantity("h_next", (H,))
    for letter in ("Q", "1); import os; (1"):
        with pytest.raises(CellError, match="h_next"):
            core.Cell(
                name="sizes", title="Sizes", doc="", inputs=(x,), states=(h,), parameters=(W,),
                equations=(Equation(new, W @ x + h / Size(Axis(letter, "q_size"))),),
                updates={h: new}, output=new,
            )  # fmt: skip


def elementwise(name):
    """Somebody's own function, of that name."""
    return type(
        name, (Elementwise,),
        {"nargs": 1, "slopes": staticmethod(lambda y, x: (2 * x,)),
         "textbook": staticmethod(lambda x: x**2)},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["square", "a(); import os; b", "tanh", "print", "sigmoid\n"])
def test_somebody_s_own_function_is_refused_or_it_works(name):
    """A function the backend has no words for must not become a call that nobody defined."""
    x, h, W = Quantity("x", (I,)), Quantity("h", (H,)), Quantity("W", (H, I))
    new = Quantity("h_next", (H,))
    try:
        cell = core.Cell(
            name="own", title="Own", doc="", inputs=(x,), states=(h,), parameters=(W,),
            equations=(Equation(new, elementwise(name)(W @ x) + h),),
            updates={h: new}, output=new,
        )  # fmt: skip
        text = generate(cell)["own.py"]
    except CellError as error:
        assert "\n" not in str(error) and "h_next" in str(error)
        return
    reference.FUNCTIONS.setdefault("square", lambda x: x**2)
    works(cell)
    assert "import os" not in text


def test_the_words_are_listed():
    """A function that the list leaves out would be refused; one that is for display only is."""
    bases = {Elementwise, Declared}
    ours = {w for w in vars(elementwise_module).values() if isinstance(w, type)} - bases
    assert ours == set(FUNCTIONS)
    with pytest.raises(CellError, match="not part of the language"):
        small_cell(equations=(Equation(NEW, Minimum(WW @ X, UU @ HH)),), updates={HH: NEW})


@pytest.mark.parametrize("initial", [
    {"W": float("nan")}, {"W": float("inf")}, {"W": "1"}, {"W": None}, {"nothing": 1.0},
    {"W": type("Evil", (float,), {"__repr__": lambda self: "__import__('os')"})(1.0)},
    {"x": 1.0}, {"f": 1.0},
])  # fmt: skip
def test_initial_values_are_refused_or_they_work(initial):
    try:
        text = generate(small_cell(initial=initial))["small.py"]
    except CellError as error:
        assert "\n" not in str(error)
        return
    assert "__import__" not in text
    module = reference.module_of(None, text=text)
    params = module.init(np.random.default_rng(0), 2, 3)
    assert set(initial) <= {"W"} and np.all(params["W"] == 1.0)


def test_a_cell_is_the_same_however_it_came_about():
    """Equal cells are equal, and so is what is generated from them."""
    one, two = define(HEAD + GOOD), define(HEAD + GOOD)
    assert one == two and generate(one) == generate(two)


# --- cells made of parts -------------------------------------------------------------------------

X, HH, WW, UU, NEW = (
    Quantity("x", (I,)), Quantity("h", (H,)), Quantity("W", (H, I)), Quantity("U", (H, H)),
    Quantity("h_next", (H,)),
)  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    {
        "update is no equation": {"updates": {HH: Quantity("z", (H,))}},
        "update is the input": {"updates": {HH: X}},
        "update is a parameter": {"updates": {HH: Quantity("b", (H,))}},
        "update of no state": {"updates": {HH: NEW, Quantity("q", (H,)): NEW}},
        "no update": {"updates": {}},
        "output is nothing": {"output": Quantity("z", (H,))},
        "output is the input": {"output": X},
        "output is a parameter": {"output": WW},
        "output is an old state": {"output": HH},
        "equation for the input": {"equations": (Equation(NEW, tanh(WW @ X + UU @ HH)),
                                                 Equation(X, X * 2))},
        "equation for a parameter": {"equations": (Equation(NEW, tanh(WW @ X + UU @ HH)),
                                                   Equation(WW, WW * 2))},
        "equation for a state": {"equations": (Equation(NEW, tanh(WW @ X + UU @ HH)),
                                               Equation(HH, HH * 2))},
        "input is a matrix": {"inputs": (Quantity("x", (H, I)),)},
        "input is a scalar": {"inputs": (Quantity("x", ()),)},
        "no input": {"inputs": ()},
        "number is a vector": {"number": Quantity("t", (H,))},
        "state is a matrix": {"states": (Quantity("h", (H, H)),)},
        "parameter of three axes": {"parameters": (WW, UU, Quantity("V", (H, H, I)))},
        "lhs is a matrix": {"equations": (Equation(Quantity("h_next", (H, I)), WW),)},
        "no equations": {"equations": ()},
        "another shape": {"equations": (Equation(NEW, tanh(Quantity("W", (H, H)) @ HH)),)},
    }.items(),
    ids=lambda item: item[0],
)  # fmt: skip
def test_a_cell_made_of_parts_is_refused_or_it_works(fields):
    base = {
        "name": "parts", "title": "Parts", "doc": "",
        "inputs": (X,), "states": (HH,), "parameters": (WW, UU),
        "equations": (Equation(NEW, tanh(WW @ X + UU @ HH)),), "updates": {HH: NEW}, "output": NEW,
    }  # fmt: skip
    try:
        cell = core.Cell(**(base | fields[1]))
    except CellError as error:
        assert "\n" not in str(error)
        return
    works(cell)


# --- files ---------------------------------------------------------------------------------------

FILE = "from derive.language import *\n\n\nclass {}(Cell):\n" + textwrap.indent(
    (HEAD + GOOD).strip(), "    "
)


def test_a_file_gives_its_cell(tmp_path):
    path = tmp_path / "my_cell.py"
    path.write_text(FILE.format("Fancy"))
    cell = load_file(path)
    assert (cell.name, cell.title) == ("my_cell", "Fancy")
    assert load(str(path)) == cell


def test_one_of_several_in_a_file(tmp_path):
    path = tmp_path / "several.py"
    path.write_text(FILE.format("One") + "\n\n" + FILE.format("Two"))
    with pytest.raises(CellError, match="One, Two"):
        load(str(path))
    assert load(f"{path}:Two").title == "Two"
    with pytest.raises(CellError, match="Three"):
        load(f"{path}:Three")


def test_a_file_leaves_nothing_behind(tmp_path):
    path = tmp_path / "my_cell.py"
    path.write_text(FILE.format("Fancy"))
    load(str(path))
    assert [p.name for p in tmp_path.iterdir()] == ["my_cell.py"]


@pytest.mark.parametrize("name", ["no-name.py", "class.py", "1st.py", "ü.py", "a b.py"])
def test_a_file_whose_name_names_no_module(tmp_path, name):
    path = tmp_path / name
    path.write_text(FILE.format("Fancy"))
    with pytest.raises(CellError, match="name"):
        load(str(path))


def test_a_file_is_read_anew_each_time(tmp_path):
    path = tmp_path / "changing.py"
    path.write_text(FILE.format("One"))
    assert load(str(path)).title == "One"
    path.write_text(FILE.format("Two"))
    assert load(str(path)).title == "Two"


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(CellError, match="lstm") as error:
        load("lsmt")
    assert "lsmt" in str(error.value) and ".py" in str(error.value)
