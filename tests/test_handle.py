"""`import derive`, from Python and in a notebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import derive
from derive import notebook
from derive.display.diagram import backward, beside, chain, draw, emphasis, loop
from derive.display.diagram.svg import svg
from derive.nodes import CellError
from derive.proof import Row


def test_importing_it_is_cheap():
    code = "import sys, derive; print(*({'sympy', 'numpy', 'jinja2', 'rich'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []


def test_a_cell_and_what_follows_from_it():
    cell = derive.load("gru", reset="after")
    assert [str(option) for option in cell.options] == ["reset=after"]
    (first, *_) = cell.adjoints
    assert str(first.lhs) == "dh_next" and isinstance(first.rhs, sp.Expr)
    assert cell.latex().startswith("% One step forward")
    assert cell.latex(standalone=True).startswith(r"\documentclass")
    assert set(derive.generate(cell, "numpy")) == {"gru.py"}
    module = derive.module(cell)
    ys, *_ = module.forward(module.Params(2, 3), np.ones((4, 1, 2)))
    assert ys.shape == (4, 1, 3)
    assert {"load", "generate", "module", "check"} <= set(dir(derive))


def test_the_proof_from_python():
    rows = derive.check(derive.load("rnn"))
    assert all(isinstance(row, Row) and row.ok is not False for row in rows)


def test_a_cell_of_a_class_statement():
    from derive.language import Cell, H, I, Input, Matrix, State, tanh

    class Small(Cell):
        x, h = Input(), State()
        W, U = Matrix(H, I), Matrix(H, H)
        h_next = tanh(W @ x + U @ h)

    assert "h_t" in derive.load(Small).latex()
    with pytest.raises(CellError, match="small is made already"):
        derive.load(Small, reset="after")


def test_what_there_is_not():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        derive.nothing  # noqa: B018
    with pytest.raises(CellError, match="no option `rest`"):
        derive.load("gru", rest="after")


def test_pictures_show_themselves():
    cell = derive.load("rnn")
    for picture in (cell.diagram(), cell.backward_diagram()):
        assert picture._repr_svg_().startswith("<svg ")
    assert cell.diagram() != cell.backward_diagram()


def test_each_picture_is_the_one_it_says():
    cell, other = derive.load("rnn"), derive.load("mgu")
    assert cell.diagram().svg == svg(draw.scene(cell))
    assert cell.backward_diagram().svg == svg(backward.backward(cell))
    assert cell.loop_diagram().svg == svg(loop.loop(cell))
    assert cell.rolled().svg == svg(chain.rolled(cell))
    assert cell.unrolled(3).svg == svg(chain.unrolled(cell, 3)) != cell.unrolled(2).svg
    assert cell.beside(other).svg == svg(beside.beside(cell, other)) != other.beside(cell).svg
    assert cell.highlighted("h_next").svg == svg(emphasis.highlighted(cell, "h_next"))
    assert [p.svg for p in other.steps()] == [svg(made) for _, made in emphasis.steps(other)]


def test_a_notebook_learns_how_cells_show_themselves(monkeypatch):
    known = {}
    formatter = SimpleNamespace(
        for_type_by_name=lambda module, name, f: known.update({(module, name): f})
    )
    shell = SimpleNamespace(display_formatter=SimpleNamespace(ipython_display_formatter=formatter))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    notebook.register()
    assert known == {("derive.cell", "Cell"): notebook.show}


def test_what_a_notebook_shows(monkeypatch):
    shown = []
    fake = SimpleNamespace(SVG=str, Markdown=str, display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    notebook.show(derive.load("lstm"))
    picture, text = shown
    assert picture.startswith("<svg ") and "| states | `h (H)`, `c (H)` |" in text
    assert text.count("$$") == 8


def test_a_file_may_be_named_as_a_path():
    path = Path(__file__).parent.parent / "examples" / "leaky_integrator.py"
    assert derive.load(path).equations == derive.load(str(path)).equations
