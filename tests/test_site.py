"""The atlas as files: well-formed pages, links that lead somewhere, nothing from the network, an
author's words as text. In a browser: test_browser.py."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from pages import Page
from some_cells import every, sampled

from derive import cli
from derive.adjoint import adjoint
from derive.library import load, names
from derive.nodes import CellError
from derive.render import render
from derive.site.build import ASSETS, files, index, write
from derive.site.facts import Facts
from derive.wellformed import FUNCTIONS

ROOT = Path(__file__).parent.parent
# What an author may write; in a file, each stands in for its word.
HOSTILE = {
    "TITLE": """A</title></script><img src=x onerror=alert(1)> & 'co' "ltd" &lt;""",
    "REMARK": """</script><script>alert(2)</script> --> ${alert(3)} `tick` {{ 7 * 7 }} \\u003c""",
    "FAMILY": """"><svg onload=alert(4)>'""",
}
HARMLESS = {"TITLE": "A title", "REMARK": "A remark", "FAMILY": "A family"}
MINE = '''
from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh


class Mine(Cell, family=FAMILY):
    """REMARK

    Somebody, REMARK (1999), REMARK. Of REMARK.
    """

    x = Input()
    constructor = State()
    W, U, alert, innerHTML = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H)

    lt = sigmoid(W.lt @ x + U.lt @ constructor + alert.lt)
    script = tanh(W.script @ x + U.script @ constructor + innerHTML)
    constructor_next = lt * script
'''


def written(words, folder):
    """A cell of a reader's own, from a file."""
    path = folder / "mine.py"
    text = MINE.replace("FAMILY", repr(words["FAMILY"]))
    path.write_text(text.replace("REMARK", words["REMARK"].replace("\\", "\\\\")))
    return replace(load(str(path)), title=words["TITLE"])


def built(cells):
    said = []
    made = files(cells, said.append)
    assert len(said) == len(cells)
    return made


@pytest.fixture(scope="module")
def library():
    return [load(name) for name in ("rnn", "gru", "mgu")]


@pytest.fixture(scope="module")
def site(library, tmp_path_factory):
    return built([*library, written(HOSTILE, tmp_path_factory.mktemp("hostile"))])


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path, text) for path, text in site.items() if path.endswith(".html")}


def test_each_cell_has_its_page_and_its_code(site):
    cells = ["rnn", "gru", "mgu", "mine"]
    assert set(site) == {
        *("index.html", "cells.html"),
        *(f"assets/{name}" for name in ASSETS),
        *(f"cells/{name}.{suffix}" for name in cells for suffix in ("html", "py", "js")),
        *(f"cells/{name}-flow.svg" for name in cells),
        *(f"assets/modules/{name}.js" for name in cells),
    }


def test_a_page_is_a_page(pages):
    """The reader has refused what is not closed; a page has one of what a page has one of."""
    for path, page in pages.items():
        assert [len(page.all(tag)) for tag in ("html", "head", "body", "main", "h1")] == [1] * 5
        head = page.elements[: page.elements.index(page.all("body")[0])]
        assert [e.tag for e in head].count("title") == 1, path
        assert page.all("html")[0].attributes["lang"] == "en"
        assert page.all("title")[0].text.strip() and page.all("h1")[0].text.strip()
        assert page.all("meta", name="viewport") and page.all("meta", charset="utf-8")
        assert len(set(page.ids)) == len(page.ids), path
        assert page.named <= set(page.ids), page.named - set(page.ids)


def test_what_can_be_pressed_has_a_name(site, pages):
    for path, page in pages.items():
        for element in page.all():
            if element.tag in {"a", "button", "summary"}:
                assert element.text.strip(), (path, element)
            if element.tag == "svg":
                assert element.attributes["role"] == "img" and "<title" in site[path]
            elif element.attributes.get("role") in {"img", "group"}:
                named = {"aria-label", "aria-labelledby"} & set(element.attributes)
                assert named and all(element.attributes[name] for name in named), (path, element)
            if element.tag == "table":
                assert "th" in {e.tag for e in page.elements} or "equations" in str(element)


def test_links_lead_somewhere(site, pages):
    for path, page in pages.items():
        assert page.files <= set(site), (path, page.files - set(site))
    assert {f"cells/{name}.html" for name in ("rnn", "gru", "mgu", "mine")} <= (
        pages["cells.html"].files
    )


def test_nothing_comes_from_elsewhere(site, pages):
    for page in pages.values():
        for address in page.addresses:
            assert not re.match(r"[a-z]+:(?!,)|/", address, re.IGNORECASE) or address == "data:,"
    assert not re.search(r"url\(|@import", site["assets/style.css"])
    for path, text in site.items():
        if path.startswith("assets/") and path.endswith(".js"):
            assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon|eval\(", text), path
            own = text.replace('"http://www.w3.org/', "")  # names of vocabularies
            if not path.startswith("assets/modules/"):
                assert "http" not in own, path


def test_the_reader_would_notice():
    for wrong in ("<p>", "</p>", "<b><i></b></i>", "<p id=a id=b></p>", "<p><img></p></p>"):
        with pytest.raises(AssertionError):
            Page("x.html", wrong)
    page = Page("cells/a.html", '<a href="b.html#c">d<br></a><label for="e"></label><p id="f"></p>')
    assert page.files == {"cells/b.html"} and page.named == {"e"} and page.ids == ["f"]


# --- an author's words ---------------------------------------------------------------------------


@every
def test_an_author_s_words_are_text(site, library, tmp_path):
    """A page with hostile words has the elements and attributes of one with harmless words."""
    tame = built([*library, written(HARMLESS, tmp_path)])
    for path in (path for path in site if path.endswith(".html")):
        assert Page(path, site[path]).structure == Page(path, tame[path]).structure, path


def test_and_they_are_all_there(pages):
    title, remark, family = (
        " ".join(HOSTILE[key].split()) for key in ("TITLE", "REMARK", "FAMILY")
    )
    mine, cells = pages["cells/mine.html"], pages["cells.html"]
    assert mine.all("h1")[0].text == title and mine.all("title")[0].text.startswith(title)
    assert mine.all(**{"class": "lead"})[0].text == remark
    for text in (title, remark, family):
        assert text in cells.all("tbody")[0].text
    assert family in [option.text for option in cells.all("option")]
    assert mine.all("svg")[0].text.strip().startswith(title)


def test_data_in_a_page_is_data(site, pages):
    for path, page in pages.items():
        for script in page.all("script", type="application/json"):
            data = json.loads(script.text)
            assert data and "</" not in script.text, path
        for element in page.elements:
            if "data-tree" in element.attributes:
                assert json.loads(element.attributes["data-tree"])
    about = json.loads(pages["cells/mine.html"].all("script", id="about")[0].text)
    assert [state["name"] for state in about["states"]] == ["constructor"]
    assert about["others"] == ["gru", "rnn", "mgu"] or set(about["others"]) == {"gru", "rnn", "mgu"}


def test_a_module_as_text_is_the_module(site):
    """The script that hands a module to a page holds one string and one value, both JSON."""
    for name in ("rnn", "mine"):
        text = site[f"assets/modules/{name}.js"]
        first, second = re.findall(r"^\(globalThis\.\w+ \?\?= \{\}\)\[.*?\] = (.*);$", text, re.M)
        assert "export function forward" in json.loads(first)
        assert json.loads(second)["name"] == name


# --- what a page says ----------------------------------------------------------------------------


def test_every_equation_stands_on_the_page(library, site, pages):
    for cell in library:
        facts, page = Facts(cell), pages[f"cells/{cell.name}.html"]
        rows = page.all("tr")
        marked = {r.attributes.get("data-q") for r in rows}
        assert {equation.lhs.name for equation in cell.equations} <= marked
        bars = [r for r in rows if "data-bar" in r.attributes]
        assert {r.attributes["data-q"] for r in bars} >= {p.name for p in cell.parameters}
        assert site[f"cells/{cell.name}.py"] == facts.numpy
        assert facts.numpy.splitlines()[-1] in page.all("pre")[0].text


def test_every_equation_lights_a_part_of_the_picture(site, library):
    for cell in library:
        picture = Facts(cell).picture
        drawn = {q for many in re.findall(r'data-q="([^"]*)"', picture) for q in many.split()}
        parts = Facts(cell).parts
        assert set(parts.values()) <= drawn, cell.name
        assert all(part == name for name, part in parts.items() if name in drawn)
    assert Facts(load("gru")).parts["r_h"] == "n", "by way of its pre-activation"


@pytest.mark.parametrize("name", sampled(names()))
def test_every_equation_has_its_part(name):
    cell = load(name)
    parts = Facts(cell).parts
    assert set(parts) == {e.lhs.name for e in adjoint(cell).forward}
    assert set(parts.values()) <= {q.name for q in cell.quantities}


def test_what_a_story_computes_the_page_can_compute():
    """The nested lists of all stories have no operation that live.js does not know."""
    (table,) = re.findall(r"return \{\n(.*?)\}\[operation\]", render("site/live.js.j2"), re.S)
    known = set(re.findall(r'^ *"?([\w+*^]+)"?: \(\) =>', table, re.M))
    words = {function.__name__ for function in FUNCTIONS} - {"step", "heaviside"}  # derivatives
    assert {"+", "*", "^"} | words <= known

    def operations(tree):
        if isinstance(tree, list):
            yield tree[0]
            for part in tree[1:]:
                yield from operations(part)

    used = {
        operation
        for name in names()
        for _, parts in Facts(load(name)).story
        for _, text in parts
        if text
        for operation in operations(json.loads(text))
    }
    assert used and used <= known, used - known


def test_the_index_of_all_cells_is_small():
    page = Page("cells.html", text := index([Facts(load(name)) for name in names()]))
    assert len(text.encode()) < 300_000
    assert len(page.all("tr")) == 1 + len(names())
    for row in page.all("tr")[1:]:
        assert {"data-family", "data-states", "data-gates", "data-year"} <= set(row.attributes)
        assert re.fullmatch(r"(19|20)\d\d", row.attributes["data-year"]), row.text


# --- the command ---------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(cli.main, ["docs", *map(str, arguments)])


def test_two_cells_of_one_name(tmp_path):
    path = tmp_path / "rnn.py"
    path.write_text(MINE.replace("FAMILY", "''"))
    with pytest.raises(CellError, match="two of the cells are called rnn"):
        files([load("rnn"), load(str(path))], print)
    result = run("rnn", path, "-o", tmp_path / "out")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_cell_s_own_file_is_not_written_over(tmp_path):
    path = tmp_path / "cells" / "mine.py"
    path.parent.mkdir()
    path.write_text(text := MINE.replace("FAMILY", "''"))
    result = run(path, "-o", tmp_path)
    assert result.exit_code == 2 and "is the cell's own file" in result.stderr
    assert path.read_text() == text and os.listdir(tmp_path) == ["cells"]


def test_files_go_where_they_belong(tmp_path):
    write({"a.txt": "1", "b/c.txt": "2", "b/d/e.txt": "3"}, tmp_path / "out")
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.txt"))
    assert found == ["out/a.txt", "out/b/c.txt", "out/b/d/e.txt"]


@every
def test_the_same_bytes_each_time(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE.replace("FAMILY", repr(HOSTILE["FAMILY"])))
    found = []
    for seed in ("1", "22"):
        out = tmp_path / seed
        done = subprocess.run(
            [sys.executable, "-m", "derive", "docs", "rnn", path, "-o", out],
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.rstrip().endswith(f"open {out / 'index.html'}") and not done.stderr
        found.append({str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*.*")})
    assert found[0] == found[1] and len(found[0]) > 10
