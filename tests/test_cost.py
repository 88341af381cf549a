"""What `derive cost` says, against counts by other ways: from the equations, and by hand."""

from __future__ import annotations

import ast
import re
import tracemalloc

import kept
import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner
from rich.cells import cell_len
from some_cells import VECTORS, of_parameters, sampled

from derive import library
from derive.adjoint import adjoint
from derive.backends.numpy.memory import peaks
from derive.cli.cost import cost as cost_command
from derive.compiler import generate, module
from derive.cost import predicted
from derive.cost.measured import B, T, counted
from derive.cost.report import cost_of, once, per_step
from derive.cost.words import WORDS
from derive.display.tables import print_cost
from derive.nodes import I as I_AXIS
from derive.nodes import Outer
from derive.program.program import Program

H, I = sp.symbols("H I")


def as_letters(expr):
    """A count whose sizes are plain letters."""
    return expr.xreplace({s: sp.Symbol(s.name) for s in expr.free_symbols})


@pytest.mark.parametrize("name", sampled(library.names()))
def test_multiply_adds_and_functions_are_those_of_the_equations(name):
    """Stacking, hoisting and deferring move work and never add any."""
    cell = library.load(name)
    program, found = Program(cell), counted(cell, kept.module(cell))
    of_these = of_parameters(cell, program.derivation.forward)
    summed = {adjoint(cell).bar[q] for q in of_these}  # as gradients are
    letters = {"I": "H"} if cell.input_is_wide else {}
    for routine, equations in (
        ("forward", program.derivation.forward),
        ("backward", program.derivation.backward),
    ):
        own = [e for e in equations if not (e.lhs in program.parameters or e.lhs in summed)]
        outer = [n for e in own for n in e.rhs.atoms(Outer)]  # not summed up: no product
        expected = predicted.cost(equations).multiply_adds
        expected -= sp.Add(*(predicted.size(n.axes()) for n in outer))
        expected = as_letters(expected).subs(letters)
        assert sp.expand(per_step(found[routine]["multiply-adds"]) - expected) == 0
        assert once(found[routine]["multiply-adds"]) == 0
    functions = as_letters(predicted.cost(program.derivation.forward).activations).subs(letters)
    # relu, maximum and the like are counted among elementwise operations; a softplus takes two
    # functions; what depends on parameters alone is done once a call.
    simple = {"tanh", "sigmoid", "exp", "log"}
    used = {type(f).__name__ for e in program.derivation.forward for f in e.rhs.atoms(sp.Function)}
    others = {"relu", "maximum", "softplus", "Deviation", "step", "sqrt", "log_sigmoid", "floor"}
    others |= {"choose"}
    if used & others or of_parameters(cell):
        return
    assert used <= simple | {"MatVec", "Transposed", "Outer", "FeatureSum"}
    assert sp.expand(per_step(found["forward"]["transcendental"]) - functions) == 0


def test_lstm_by_hand():
    """Counted line by line in generated/lstm.py."""
    cell = library.load("lstm")
    found = counted(cell, module(cell))
    bias, recurrent, halves, memory, output = 4, 4, 3 + 3 + 3, 3, 1
    assert (
        per_step(found["forward"]["elementwise"])
        == (bias + recurrent + halves + memory + output) * H
    )
    assert per_step(found["forward"]["transcendental"]) == 5 * H
    local, chain, biases = 3 + 3 + 3 + 3 + 3, 1 + 2 + 4 + 1, 4
    assert per_step(found["backward"]["elementwise"]) == (local + chain + biases) * H
    assert found["forward"]["calls"].coeff(T) == 11


@pytest.mark.parametrize("name", sampled(VECTORS))
def test_calls_in_the_loop_are_its_lines(name):
    """A step makes as many calls as the loop has lines, but for helpers, which make several."""
    cell = kept.load(name)
    found = counted(cell, kept.module(cell))
    for routine in ("forward", "backward"):
        source = _source(cell, routine)
        (loop,) = (
            n for n in source.body if isinstance(n, ast.For) and "ended" in ast.unparse(n.target)
        )
        lines = [n for n in loop.body if isinstance(n, ast.Expr)]
        if any(ast.unparse(n.value.func)[0] == "_" or ".fill" in ast.unparse(n) for n in lines):
            continue
        assert found[routine]["calls"].coeff(T) == len(lines)


def _source(cell, routine):
    (text,) = generate(cell).values()
    return next(
        n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == routine
    )


def test_counts_grow_with_sequences_and_steps_alone():
    cell = library.load("gru")
    for kinds in counted(cell, module(cell)).values():
        assert kinds["multiply-adds"].free_symbols == {T, B, H, I}
        assert kinds["calls"].free_symbols == {T}


@pytest.mark.parametrize(
    ("name", "depth", "recurrent"),
    [
        ("rnn", 3, H**2),  # U h, the sum, tanh
        ("mingru", 2, 0),  # (1 - z) h, the sum
        ("atr", 5, H**2),  # U h, p + q, sigmoid, i p, the sum
        ("lstm", 7, 4 * H**2),  # U h, the sum, sigmoid, i g, the sum, tanh, o tanh
        ("mgu", 9, 2 * H**2),  # U h, the sum, sigmoid, f h, U (f h), the sum, tanh, f n, the sum
    ],
)
def test_recurrent_path(name, depth, recurrent):
    cell = library.load(name)
    found = cost_of(cell, module(cell))
    assert as_letters(found.recurrent) == recurrent
    assert found.depth == depth


# What NumPy makes within one line over a matrix is not counted: of this cell, a sixth.
LOW = {"mamba": 0.8}


@pytest.mark.parametrize("name", sampled(library.names(), ["lstm"]))
def test_peak_memory(name):
    """Predicted from the arrays that the routines make, and measured while they run."""
    cell = library.load(name)
    sizes = {a: 16 if a != I_AXIS or cell.input_is_wide else 5 for a in cell.axes}
    for store, numbers in peaks(cell, 400, 25, sizes).items():
        measured = peak_of(cell, module(cell, store), 400, 25, sizes)
        assert LOW.get(name, 0.9) * measured < 8 * numbers < 1.1 * measured, store


def peak_of(cell, made, steps, sequences, sizes):
    """The bytes that forward and backward take at the most."""
    params = made.init(np.random.default_rng(0), *sizes.values())
    rows = (steps, sequences)
    arrays = [np.full((*rows, *(sizes[a] for a in q.axes)), 0.1) for q in cell.inputs]
    xs = arrays[0] if len(arrays) == 1 else made.Inputs(*arrays)
    dys = np.zeros((*rows, *([sizes[a] for a in cell.output.axes] or [1])))
    tracemalloc.start()
    try:
        with np.errstate(all="ignore"):
            ys, _, tape = made.forward(params, xs)  # the outputs stay, too
            made.backward(params, tape, dys)
        assert len(ys) == steps
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "at", ["T=10", "T=10 B=0 I=1 H=1", "T=10 B=1 I=1 H=x", "T=1 B=1 I=1 H=1 K=1"]
)
def test_sizes_that_are_not_said(at):
    result = CliRunner().invoke(cost_command, ["lstm", "--at", at])
    assert result.exit_code == 2
    assert "--at takes T=… B=… I=… H=…, each a positive integer" in result.output


@pytest.mark.parametrize("name", ["lstm", "scrn", "lstm_layer_norm"])
def test_shown(capsys, name):
    cell = library.load(name)
    print_cost(cell, cost_of(cell, module(cell)))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert any("multiply-adds" in line and "HI" in line for line in lines)
    meant = lines[lines.index("What the words mean") + 1 :]
    assert [line for line in meant if line.startswith(" ")] == []  # each in one line


@pytest.mark.parametrize("name", ["rnn", "lstm", "mlstm"])
def test_every_word_is_told(capsys, name):
    """Each that the output has, and no other."""
    cell = library.load(name)
    print_cost(cell, cost_of(cell, module(cell)))
    told, _, meant = capsys.readouterr().out.partition("What the words mean")
    words = [line.split()[0] for line in meant.splitlines() if line]
    assert words == [word for word in WORDS if re.search(rf"\b{word}\b", told)]
    saved = told.partition("What each rule of the program saves")[2].splitlines()
    assert {line.split()[0] for line in saved if line.strip() and line[0] != " "} <= {*words}
