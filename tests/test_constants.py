"""Constants: all their digits in every target, and what somebody meant where people read them."""

from __future__ import annotations

import math
import re

import pytest
import sympy as sp

from derive import library
from derive.backends import BACKENDS
from derive.compiler import generate
from derive.display.latex import document, fragment
from derive.display.meant import digits, meant
from derive.proof import identity

HEAD = """
from math import *
from derive.language import *

class Mine(Cell):
    x, h = Input(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
"""
CONSTANTS = {
    "sqrt(3)": r"\sqrt{3}", "pi": r"\pi", "pi / 4": r"\frac{\pi}{4}", "1 / 3": r"\frac{1}{3}",
    "2 / sqrt(pi)": r"\frac{2}{\sqrt{\pi}}", "(2 / pi)**0.5": r"\frac{\sqrt{2}}{\sqrt{\pi}}",
    "e": r"\mathrm{e}", "sqrt(2) / 2": r"\frac{\sqrt{2}}{2}", "22 / 7": r"\frac{22}{7}",
    "1.7159": "1.7159", "0.1": "0.1", "1 - 0.95": "0.05", "1e-5": "10^{-5}", "0.3 - 0.1": "0.2",
    "1.2345678901234567": "1.2345678901234567",
    "1.2345678912345e-17": r"1.2345678912345 \cdot 10^{-17}",
    "0.123456789012345": "0.123456789012345", "pi + 1e-13": "3.141592653589893",
}  # fmt: skip


@pytest.fixture
def mine(tmp_path):
    def loaded(body):
        (tmp_path / "mine.py").write_text(f"{HEAD}{body}\n")
        return library.load(str(tmp_path / "mine.py"))

    return loaded


def value_of(text):
    return float(eval(text, vars(math)))  # the tests' own


@pytest.mark.parametrize("text", CONSTANTS)
def test_latex_shows_what_was_meant(mine, text):
    cell = mine(f"    c = {value_of(text)!r} * h\n    h_next = tanh(W @ x + U @ h + b) + c")
    (line,) = (line for line in fragment(cell).splitlines() if line.startswith("  c_t &= "))
    assert line.split("&= ")[1].partition(r" \, h_{t-1}")[0] == CONSTANTS[text]


@pytest.mark.parametrize("text", [t for t in CONSTANTS if t != "1 - 0.95" and t != "0.3 - 0.1"])
@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_shown_is_the_number(text, sign):
    value = sign * value_of(text)
    assert float(meant(value) or digits(value)) == pytest.approx(value, rel=3e-16)
    assert meant(value) is None or not meant(value).has(sp.Float)


def test_no_number_is_meant_by_accident():
    """Other floats nearby, and those that nobody computed from small numbers."""
    for text in ("sqrt(3)", "pi", "1 / 3"):
        value = value_of(text)
        assert meant(value + 1e-13) is meant(value - 1e-13) is meant(value * (1 + 1e-12)) is None
    state = 1
    for _ in range(2000):
        state = state * 48271 % (2**31 - 1)
        assert meant(0.1 + state / 2**31 * 1.2345678912345) is None


@pytest.mark.parametrize("backend", sorted({*BACKENDS} - {"markdown", "onnx"}))
def test_generated_code_has_all_digits(mine, backend):
    for value in (math.sqrt(3), math.pi, 1 / 3, 1.2345678901234567):
        cell = mine(
            f"    V, s = Vector(H, at={value!r}), State(start={value!r})\n    s_next = s * V\n"
            f"    h_next = tanh(W @ x + U @ h + b) + {value!r} * s"
        )
        text = "".join(generate(cell, backend).values())
        found = {t for t in re.findall(r"\d+\.\d+(?:e-?\d+)?", text) if float(t) == value}
        assert len({*found}) == 1 and float(found.pop()) == value
        short = re.findall(rf"(?<![\d.]){re.escape(repr(value)[:6])}\d*(?:e-?\d+)?", text)
        assert len(short) >= 4 and {float(t) for t in short} == {value}


def test_the_table_of_parameters_shows_it_too(mine):
    text = document(mine("    V = Vector(H, at=1 / 3)\n    h_next = V * tanh(W @ x + U @ h + b)"))
    assert r"at first $\frac{1}{3}$" in text


def test_an_equation_as_text_has_all_digits(mine):
    cell = mine(f"    h_next = tanh(W @ x + U @ h + b) + {math.pi!r} * h * 0.1")
    assert f"{math.pi * 0.1!r}*h" in str(cell.equations[-1])


@pytest.mark.parametrize("power, words", [
    ("(v**2)**0.5", "absolute(v)"), ("abs(v)", "absolute(v)"), ("v**(1/3)", "v**(1/3)"),
    ("(v**2)**(1/4)", "sqrt(absolute(v))"), ("(1 + v**2)**-0.5", "1/sqrt(v**2 + 1)"),
    ("v**0.31", "v**(31/100)"), ("v**1.5", "v**(3/2)"), ("v**0.123456", "v**0.123456"),
])  # fmt: skip
def test_powers_are_exact_and_proved(mine, power, words):
    cell = mine(f"    v = tanh(W @ x + U @ h + b)\n    h_next = {power} + h / (1 + v**2)**(1/3)")
    assert words in str(cell.equations[-1].rhs)
    assert identity.prove(cell)[0]
