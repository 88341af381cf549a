"""Pictures by numbers: nothing lies on anything else, every line leads where the equations say, and
one cell gives one picture.

The lines are read back from their places alone, so that what is drawn is compared with the graph,
not with how it was drawn.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations, pairwise

import kept
import pytest
import written_cells
from click.testing import CliRunner
from some_cells import first, sampled

from derive.cli import main
from derive.display.diagram import beside, chain, emphasis, loop
from derive.display.diagram.graph import graph
from derive.display.diagram.key import entries, with_key
from derive.display.diagram.svg import svg
from derive.language import Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh, where
from derive.library import load, names
from derive.nodes import CellError

SVG = "{http://www.w3.org/2000/svg}"


def pen(name):
    return kept.pen(kept.load(name))


def forward(name):
    return kept.picture(kept.load(name))


def backward(name):
    return kept.backward_picture(kept.load(name))


def collisions(made):
    """Pairs of things that lie on each other: words, boxes, and lines through either."""
    solid = [("word", w.text, w.area) for w in made.words]
    solid += [("box", b.key, b.area) for b in made.boxes]
    for (_, one, a), (_, two, b) in combinations(solid, 2):
        if a.meets(b, -0.5):
            yield one, two
    for stroke in made.strokes:
        for segment in stroke.segments:
            for kind, name, area in solid:
                inner = replace(
                    area, left=area.left + 1, top=area.top + 1,
                    right=area.right - 1, bottom=area.bottom - 1,
                )  # fmt: skip
                if segment.meets(inner):
                    yield (kind, name), stroke.ends


def shared(made):
    """Pairs of lines of different nodes that run along each other, but where they merge: there one
    comes from above, another from below, and both end as the one that goes on."""
    lines = [
        (s.ends, segment, segment is segments[-1])
        for s in made.strokes
        for segments in [list(s.segments)]
        for segment in segments
    ]
    for ((one, to), a, ends), ((two, onto), b, other_ends) in combinations(lines, 2):
        merge = to == onto and to.startswith("merge") and ends and other_ends
        if one != two and to != two and onto != one and not merge and a.meets(b, 0.5):
            across = min(a.right, b.right) - max(a.left, b.left)
            down = min(a.bottom, b.bottom) - max(a.top, b.top)
            if max(across, down) > 1 and abs(across - down) > 1 and min(across, down) >= 0:
                yield one, two


def crossings(made):
    """How often lines of different nodes cross."""
    found = set()
    for one, two in combinations(made.strokes, 2):
        if one.ends[0] == two.ends[0]:
            continue
        for (a, b), (c, d) in ((p, q) for p in pairwise(one.points) for q in pairwise(two.points)):
            for (x, y), (x2, y2), (u, v), (u2, _) in ((a, b, c, d), (c, d, a, b)):
                if x == x2 and min(y, y2) < v < max(y, y2) and min(u, u2) < x < max(u, u2):
                    found.add((x, v))
    return len(found)


def bends(made):
    """How many places lines turn at; one line that branches turns once where its branches do."""
    return len({(s.ends[0], p) for s in made.strokes for p in s.points[1:-1]})


def ends(made):
    """The boxes that lines touch: for each stroke, the keys at its two ends, by place alone."""
    for stroke in made.strokes:
        touched = []
        for x, y in (stroke.points[0], stroke.points[-1]):
            at = [
                b.key
                for b in made.boxes
                if b.area.left - 0.6 <= x <= b.area.right + 0.6
                and b.area.top - 0.6 <= y <= b.area.bottom + 0.6
            ]
            touched.append(at[0] if at else "")
        yield stroke.ends, tuple(touched)


@pytest.mark.parametrize("name", sampled(names()))
def test_nothing_lies_on_anything_else(name):
    made = forward(name)
    assert not list(collisions(made))
    assert not list(shared(made))


@pytest.mark.parametrize("name", sampled(names()))
def test_every_line_leads_where_the_equations_say(name):
    made, nodes = forward(name), pen(name).graph.nodes
    boxes = {key for key, n in nodes.items() if n.kind in {"layer", "operation"}}
    assert {b.key for b in made.boxes} == boxes
    wanted = {(o.source, key) for key, node in nodes.items() for o in node.operands}
    assert {s.ends for s in made.strokes} == wanted
    for (source, target), touched in ends(made):
        assert touched == tuple(key if key in boxes else "" for key in (source, target))


@pytest.mark.parametrize("name", sampled(names()))
def test_rails_are_straight(name):
    made, drawn = forward(name), pen(name).graph
    for state, keys in drawn.rails.items():
        along = set(pairwise([f"enter {state}", *keys, f"leave {state}"]))
        heights = {p[1] for s in made.strokes if s.ends in along for p in s.points}
        assert len(heights) == 1


@pytest.mark.parametrize("name", sampled(names()))
def test_every_equation_has_its_place(name):
    cell, drawn = load(name), pen(name).graph
    named = {q for node in drawn.nodes.values() for q in node.names}
    new = {*cell.updates.values(), cell.output}
    assert new <= named and {*cell.states, *cell.given} <= named


def test_the_usual_picture():
    """The LSTM's has one crossing, the output's with the memory, and at most twelve bends."""
    made = forward("lstm")
    assert crossings(made) <= 1 and bends(made) <= 12
    assert list(pen("lstm").graph.rails) == [load("lstm").states[1]]
    top = min(b.y for b in made.boxes)
    assert [b.label for b in sorted(made.boxes, key=lambda b: b.x) if b.y == top] == ["×", "+"]
    row = max(b.y for b in made.boxes)
    assert [b.label for b in sorted(made.boxes, key=lambda b: b.x) if b.y == row] == [
        *"σσ", "tanh", "σ"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", first(2, ["lstm", "rnn", "lem", "lstm_peephole", "gru", "slstm", "nas"])
)
def test_the_key_says_what_occurs(name):
    made = forward(name)
    keyed = with_key(made)
    assert not list(collisions(keyed))
    said = [entry.text for entry in entries(made)]
    cell = load(name)
    outputs = [state for state, new in cell.updates.items() if new == cell.output]
    assert ("hidden state" in said) == bool(outputs)
    assert ("memory" in said) == (len(outputs) < len(cell.states))
    assert "entry by entry" in said or not pen(name).graph.of_kind("operation")
    back = [entry.text for entry in entries(backward(name))]
    assert "added up" in back and "copied" not in back


@pytest.mark.parametrize(
    ("name", "roles"),
    first(
        2,
        [
            ("lstm", {"h": "hidden", "c": "memory"}),
            ("qrnn", {"c": "memory", "u": "memory", "h": "output"}),
            ("rnn", {"h": "hidden"}),
            ("gru", {"h": "hidden"}),
        ],
    ),
)
def test_the_hidden_state_has_one_colour_in_all_cells(name, roles):
    """Whether it lies on a rail or not: it is the state that is the output."""
    for made in (forward(name), loop.loop(load(name)), chain.unrolled(load(name), 2)):
        found = {
            q.removesuffix("_next"): stroke.role.split()[0]
            for stroke in made.strokes
            for q in stroke.names
            if q.removesuffix("_next") in roles
        }
        assert found == roles


class Triangle(Cell):
    """A layer of which nothing is trained, beside others that have a fixed matrix or none."""

    x, out = Input(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)
    L = Matrix(H, H, trained=False, at=lambda i, j: where(i >= j, 1, 0))

    f = sigmoid(L @ out + b.f)
    g = tanh((L * U.g) @ out + W.g @ x)
    p = (L * L) @ out
    out_next = f * g + p


def test_what_is_not_learnt_is_white_and_the_key_says_so():
    made = kept.picture(Triangle)
    roles = {name: box.role for box in made.boxes for name in box.names}
    assert (roles["f"], roles["g"], roles["p"]) == ("gate", "candidate", "fixed")
    assert "layer, not learnt" in said_by(made)
    assert "layer, not learnt" not in said_by(forward("lstm"))


def test_the_key_names_what_an_adjoint_is_of_without_its_bar():
    said = said_by(kept.backward_picture(Triangle))
    assert "adjoint of out: the derivative of the loss with respect to it" in said


def said_by(made):
    return [entry.text for entry in entries(made)]


def test_the_key_says_what_a_stranger_asks():
    lstm, rnn = said_by(forward("lstm")), said_by(forward("rnn"))
    assert {"gate, learnt", "other layer, learnt", "function, not learnt"} <= {*lstm}
    assert "layer, learnt" in rnn and not {"other layer, learnt", "function, not learnt"} & {*rnn}
    assert "output" in said_by(forward("qrnn")) and "output" not in lstm
    back = said_by(backward("lstm"))
    assert "adjoint of h: the derivative of the loss with respect to it" in back
    assert {"what the loss itself gives", "what the next step hands back"} <= {*back}


def test_the_key_shows_the_signs_and_the_letters_that_occur():
    """No c where there is none."""

    def signs(made):
        shown = (entry for entry in entries(made) if entry.text == "entry by entry")
        return [box.label for entry in shown for box in entry.boxes]

    assert signs(forward("gru")) == ["×", "+", "1 −"] and signs(forward("lstm")) == ["×", "+"]
    letters = {word.text for name in ("gru", "lem") for word in with_key(backward(name)).words}
    assert any("h̄" in text for text in letters) and not any("c̄" in text for text in letters)
    assert any(text.startswith("adjoint of y:") for text in letters)


def test_vectors_that_are_standardised_together_are_marked():
    """No line brings the mean and the deviation that they have in common."""
    text = "by the mean and deviation of several together"
    made = forward("lstm_layer_norm")
    marked = {name for box in made.boxes if box.label.endswith("norm*") for name in box.names}
    assert marked >= {"f", "i", "o", "g"} and "p_c" not in marked
    assert text in said_by(made) and text not in said_by(forward("lstm"))
    assert text in said_by(backward("lstm_layer_norm"))


@pytest.mark.parametrize(
    "name", first(2, ["lstm", "rnn", "lem", "lstm_peephole", "gru", "slstm", "nas"])
)
def test_other_views_of_it(name):
    cell = load(name)
    for made in (
        kept.backward_picture(cell),
        loop.loop(cell),
        chain.rolled(cell),
        chain.unrolled(cell, 3),
    ):
        assert not [pair for pair in collisions(made) if isinstance(pair[0], str)]
    lit = list(emphasis.steps(cell))
    assert [n for n, _ in lit] == [str(e.lhs) for e in cell.equations if str(e.lhs) in dict(lit)]
    assert all(any(b.mark == "lit" for b in made.boxes) for _, made in lit)


def test_backward_is_against_the_arrows():
    there, back = forward("lstm"), backward("lstm")
    tips = {s.ends: s.heads[0][0] for s in there.strokes if s.heads}
    for stroke in back.strokes:
        assert stroke.heads and stroke.heads[0][0] != tips.get(stroke.ends)
    texts = {w.text.translate({0xE010: None, 0xE011: None, 0xE012: None}) for w in back.words}
    assert {"c\u0304t ∘ ft", "c\u0304t ∘ it"} <= texts


def test_what_differs_is_marked():
    made = beside.beside(load("lstm"), load("lstm_peephole"))
    changed = {s.ends for s in made.strokes if s.mark == "changed"}
    assert len(changed) == 3 and all("c" in source or "n" in source for source, _ in changed)
    same = beside.beside(load("lstm"), load("lstm"))
    assert not [s for s in (*same.strokes, *same.boxes) if s.mark]


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm"])
def test_the_file(name):
    text = svg(forward(name))
    root = ET.fromstring(text)
    assert root.find(f"{SVG}title").text and len(root.find(f"{SVG}desc").text) > 100
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids)) >= 3
    assert f"{name}-{load(name).gates[0]}" in ids


def test_the_same_bytes_each_time():
    code = (
        "from derive.display.diagram import draw, svg; from derive.library import load; "
        "print(svg.svg(draw.scene(load('rnn'))), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert texts == {svg(forward("rnn"))}


@pytest.mark.parametrize(
    "cell",
    first(2, [*written_cells.READABLE, *written_cells.UNPLEASANT]),
    ids=lambda cell: cell.title,
)
def test_cells_outside_the_library(cell):
    made = kept.picture(cell)
    assert not list(collisions(made)) and not list(shared(made))
    ET.fromstring(svg(made))


def test_the_checks_would_notice():
    made = forward("gru")
    box, *boxes = made.boxes
    moved = replace(made, boxes=(replace(box, x=box.x + 40), *boxes))
    assert list(collisions(moved)) or any(one != two for one, two in ends(moved) if "" not in two)
    word, *words = made.words
    on = replace(word, x=box.x - 5, y=box.y + 5)
    assert list(collisions(replace(made, words=(on, *words))))
    first = made.strokes[0]
    twin = replace(first, ends=("other", first.ends[1]))
    assert list(shared(replace(made, strokes=(*made.strokes, twin))))


def run(*arguments):
    return CliRunner().invoke(main, ["diagram", *map(str, arguments)])


def test_the_command(tmp_path):
    assert run("rnn", "-o", tmp_path / "a.svg").exit_code == 0
    assert (tmp_path / "a.svg").read_text() == svg(with_key(forward("rnn")))
    assert run("rnn", "--steps", tmp_path / "steps").exit_code == 0
    assert [p.name for p in sorted((tmp_path / "steps").iterdir())] == ["01-h_next.svg"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lstm"], "name the file to write with -o"),
        (["lstm", "-o", "a.svg", "--highlight", "q"], "no equation for `q`; it has them for i, f"),
        (["lstm", "-o", "a.svg", "--backward", "--rolled"], "do not go together"),
        (["lstm", "-o", "a.svg", "--unrolled", "0"], "1 to 40 steps, not 0"),
        (["lstm", "-o", "a.svg", "--beside", "lsmt"], "no cell is called 'lsmt'"),
    ],
)
def test_bad_input_is_one_line(arguments, says):
    result = CliRunner().invoke(main, ["diagram", *arguments])
    assert result.exit_code == 2 and says in result.output and result.output.count("\n") == 1


def test_states_of_every_kind_have_a_rail_or_are_handed_on():
    for name in names():
        drawn = graph(load(name))
        assert {*drawn.rails} <= {*load(name).states}
    with pytest.raises(CellError):
        emphasis.highlighted(load("rnn"), "nothing")


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", first(1, ["lstm", "slstm", "lstm_layer_norm"]))
def test_tikz_compiles_and_says_the_same(name, tmp_path):
    from derive.display.diagram.tikz import tikz

    for made in (forward(name), backward(name)):
        text = tikz(made)
        assert text.count("\\node[name]") == len(made.words)
        assert text.isascii()
        if shutil.which("pdflatex"):
            (tmp_path / "picture.tex").write_text(text)
            command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "picture.tex"]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout[-800:]


def test_a_png_or_what_it_needs(tmp_path, monkeypatch):
    if shutil.which("rsvg-convert"):
        assert run("rnn", "-o", tmp_path / "a.png").exit_code == 0
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setenv("PATH", "")
    result = run("rnn", "-o", tmp_path / "b.png")
    assert result.exit_code == 2 and "a PNG needs rsvg-convert" in result.output
    assert not (tmp_path / "b.png").exists()
    result = run("rnn", "-o", tmp_path / "b.gif")
    assert (
        result.exit_code == 2
        and "its ending is to say what it is, one of .svg, .tex, .png" in result.output
    )
