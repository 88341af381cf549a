"""Pages about cells: an index of all, and no link that leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from derive import cli
from derive.compiler import generate, overview
from derive.display.tables import all_cells
from derive.library import is_built_in, load, names

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "cells"
LINK = re.compile(r"\]\(([^)#]+)")
MINE = """
from derive.language import *

class Mine(Cell):
    '''A cell | of *mine*, [not](nowhere.md).'''
    x, h = Input(), State()
    W, U = Matrix(H, I), Matrix(H, H)
    h_next = tanh(W @ x + U @ h)
"""


def links(text):
    """Where a page leads; brackets that are escaped make no link."""
    return [place for place in LINK.findall(text.replace(r"\]", "")) if "://" not in place]


def test_the_index_has_every_cell_once():
    (text,) = overview(all_cells(), "markdown").values()
    assert sorted(links(text)) == sorted(f"{name}.md" for name in names())
    assert text == (PAGES / "README.md").read_text(encoding="utf-8")
    for cell in all_cells():
        (row,) = (line for line in text.splitlines() if f"({cell.name}.md)" in line)
        assert all(f"`{gate}`" in row for gate in (*cell.states, *cell.gates))
        assert row.replace(r"\|", "").count("|") == 6


@pytest.mark.parametrize("backend", ["numpy", "javascript"])
def test_other_targets_have_none(backend):
    assert overview(all_cells(), backend) == {}


def test_pages_lead_nowhere_that_is_not_beside_them():
    for page in PAGES.glob("*.md"):
        for place in links(page.read_text(encoding="utf-8")):
            assert (PAGES / place).is_file(), f"{page.name}: {place}"


@pytest.mark.parametrize("name", ["mine", "lstm"])
def test_the_page_of_a_cell_of_ones_own(tmp_path, name):
    """Even where it is called as a built-in one is."""
    path = tmp_path / f"{name}.py"
    path.write_text(MINE)
    (text,) = generate(load(str(path)), "markdown").values()
    assert links(text) == [] and "derive/cells" not in text
    assert f"`derive show {name}.py`" in text and f"`derive cost {name}.py`" in text


def test_who_is_built_in(tmp_path):
    (tmp_path / "lstm.py").write_text(MINE)
    assert is_built_in(load("lstm")) and is_built_in(load("gru:reset=after"))
    assert not is_built_in(load(str(tmp_path / "lstm.py")))


def test_the_index_is_written_with_all_cells_only(tmp_path, monkeypatch):
    monkeypatch.setattr("derive.library.names", lambda: ["gru", "rnn"])
    run = CliRunner().invoke
    arguments = ["generate", "--backend", "markdown", "-o", str(tmp_path)]
    assert run(cli.main, [*arguments, "rnn"]).exit_code == 0
    assert [p.name for p in tmp_path.iterdir()] == ["rnn.md"]
    for _ in range(2):  # it is ours, and replaced
        result = run(cli.main, [*arguments, "--json"])
        assert result.exit_code == 0 and '"cell": null' in result.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["README.md", "gru.md", "rnn.md"]


def test_help_says_what_the_targets_are():
    text = " ".join(CliRunner().invoke(cli.main, ["generate", "--help"]).stdout.split())
    for word in ("numpy|javascript|c|markdown", "a NumPy module", "a page about the cell"):
        assert word in text
