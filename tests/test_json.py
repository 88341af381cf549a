"""Answers for programs: `--json` is whole, the same each time, and can be computed with.

The formulas are read by Python and run on NumPy arrays; what comes out is what the generated module
computes. docs/json.md names every key.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import latex2mathml.converter
import numpy as np
import pytest
from some_cells import every, sampled
from test_cli import MINE, assert_refused, run
from written_cells import READABLE, UNPLEASANT

from derive import compiler, library
from derive.display.data.cells import cell_data, list_data
from derive.display.data.difference import difference_data
from derive.elementwise import tanh

ROOT = Path(__file__).parent.parent
SPECS = [*library.names(), "gru:reset=after", "examples/leaky_integrator.py"]
CELLS = [*map(library.load, SPECS), *READABLE, *UNPLEASANT]
# Where nothing but a parameter is a matrix, Python computes a formula as it stands.
PLAIN = [c for c in CELLS if all(len(q.axes) < 2 or q in c.parameters for q in c.quantities)]
ANSWERS = [
    "list", "show lstm", "cost gru", "diff lstm lstm_peephole", "diff gru gru:reset=after",
    "trace lstm 1 -1", "trace --sources",
]  # fmt: skip


def answer(*arguments):
    """The document that the command prints, which is all that it prints."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0 and result.stderr == "", result.output
    return json.loads(result.stdout)


# --- formulas ------------------------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


WORDS = {
    "sigmoid": sigmoid, "tanh": np.tanh, "exp": np.exp, "log": np.log, "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "absolute": np.abs, "sign": np.sign,
    "relu": lambda z: np.maximum(z, 0), "softplus": lambda z: np.logaddexp(z, 0),
    "maximum": np.maximum, "minimum": np.minimum, "sum": np.sum, "mean": np.mean,
    "step": lambda z: (z > 0) * 1.0, "heaviside": lambda z: np.heaviside(z, 0.5),
    "log_sigmoid": lambda z: -np.logaddexp(0, -z), "expm1": np.expm1, "log1p": np.log1p,
    "floor": np.floor, "largest": np.max,
    "stop_gradient": np.asarray, "surrogate": lambda p, q: p, "where": np.where, "outer": np.outer,
}  # fmt: skip


def computed(data, given, section):
    """The values that a section's formulas define, one after another."""
    values = {**WORDS, **given}
    for equation in data[section]:
        value = eval(equation["formula"], {"__builtins__": {}}, values)
        shape = [values[axis] for axis in data["quantities"][equation["defines"]]["shape"]]
        values[equation["defines"]] = np.broadcast_to(value, shape)  # a number stretches
    return values


@pytest.mark.parametrize("cell", sampled(PLAIN, ["lstm", "slstm"]))
def test_formulas_compute_what_the_generated_module_does(cell):
    """One step of one sequence, forward and back."""
    data = json.loads(json.dumps(cell_data(cell)))
    m, rng = compiler.module(cell), np.random.default_rng(0)
    sizes = {axis.letter: 2 + n for n, axis in enumerate(cell.axes)}
    sizes |= {"I": sizes["H"]} if cell.input_is_wide else {}
    params = m.Params(*(sizes[axis.letter] for axis in cell.axes))
    params.flat[:] = rng.normal(size=params.flat.size)
    shapes = {name: [sizes[a] for a in q["shape"]] for name, q in data["quantities"].items()}
    xs = {name: rng.uniform(0.2, 1.8, size=shapes[name]) for name in data["inputs"]}
    state = m.State(*(rng.normal(size=(1, *shapes[s])) for s in data["states"]))
    arrays = [np.array(x)[None, None] for x in xs.values()]
    ys, final, tape = m.forward(params, m.Inputs(*arrays) if len(xs) > 1 else arrays[0], state)

    given = {**sizes, **params, **xs}
    given |= {name: 1.0 for name, q in data["quantities"].items() if q["kind"] == "number"}
    given |= dict(zip(data["states"], (s[0] for s in state), strict=True))
    values = computed(data, given, "forward")
    close(values[data["output"]], ys[0, 0])
    for old, end in zip(data["states"], final, strict=True):
        close(values[data["updates"][old]], end[0])

    dys, dstate = rng.normal(size=ys.shape), m.State(*(rng.normal(size=s.shape) for s in state))
    dparams, dxs, dstart = m.backward(params, tape, dys, dstate)
    adjoints = {
        (q["of"], q["part"]): name
        for name, q in data["quantities"].items() if q["kind"] == "adjoint"
    }  # fmt: skip
    values[adjoints[data["output"], "loss"]] = dys[0, 0]
    for old, end in zip(data["states"], dstate, strict=True):
        values[adjoints[data["updates"][old], "next"]] = end[0]
    for section in ("adjoints", "back", "gathered"):
        values = computed(data, values, section)
    for name, array in zip(xs, dxs if len(xs) > 1 else [dxs], strict=True):
        close(values[adjoints[name, "whole"]], array[0, 0])
    for old, start in zip(data["states"], dstart, strict=True):
        close(values[adjoints[old, "back"]], start[0])
    trained = {name for name, q in data["quantities"].items() if q.get("trained")}
    assert trained == {q.name for q in cell.trained}
    for name in trained:
        close(values[adjoints[name, "whole"]], dparams[name])
    assert counted(data["parameter_count"], sizes) == params.flat.size


def counted(formula, sizes):
    return eval(formula, {"__builtins__": {}}, sizes)


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("cell", sampled(CELLS))
def test_latex_can_be_read(cell):
    """By a reader that is not ours; nothing of what breaks lines is left in it."""
    data = cell_data(cell)
    equations = [e for s in ("forward", "adjoints", "back", "gathered") for e in data[s]]
    for text in [e["latex"] for e in equations] + [q["latex"] for q in data["quantities"].values()]:
        assert latex2mathml.converter.convert(text).startswith("<math")
        assert not re.search(r"[\ue000-\uf8ff&]|\\\\", text)


# --- documents -----------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("arguments", [*ANSWERS, "check rnn", "generate rnn -o {0}"])
def test_it_is_the_same_each_time(tmp_path, arguments):
    """Whatever Python hashes by; but for the seconds that a row of the proof took."""
    texts = [
        subprocess.run(
            [sys.executable, "-m", "derive", *arguments.format(tmp_path).split(), "--json"],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed,
                           "PYTHONIOENCODING": "ascii"},
            capture_output=True, check=True,
        ).stdout.decode("ascii")
        for seed in ("0", "1")
    ]  # fmt: skip
    once, again = (re.sub(r'"seconds": [\d.e-]+', "", text) for text in texts)
    assert once == again and once[0] + once[-2:] in ("{}\n", "[]\n")


def test_the_list():
    cells = {cell["cell"]: cell for cell in answer("list")["cells"]}
    assert sorted(cells) == library.names()
    gru = cells["gru"]
    assert (gru["states"], gru["gates"], gru["family"]) == (["h"], ["z", "r"], "GRU")
    assert gru["choices"] == {"reset": ["before", "after"]} and gru["paper"] == "Cho et al. (2014)"


def test_options_are_those_that_were_set():
    for arguments in (["gru", "--set", "reset=after"], ["gru:reset=after"]):
        data = answer("show", *arguments)
        assert (data["options"], data["defaults"]) == ({"reset": "after"}, {"reset": "before"})


def test_what_is_shown_is_what_is_in_it():
    """The equations are those of `derive show`, and their LaTeX is that of `derive latex`."""
    data, latex = answer("show", "lstm"), run("latex", "lstm").stdout
    together = " ".join(latex.replace("&", "").replace("\\\\", "").split())
    for section in ("forward", "adjoints", "back", "gathered"):
        for equation in data[section]:
            assert " ".join(equation["latex"].split()) in together
    assert data["quantities"]["b_f"] == {
        "kind": "parameter", "start": 1.0, "trained": True, "shape": ["H"], "latex": "b_f"
    }  # fmt: skip
    assert {"defines": "c_next", "formula": "f * c + i * g",
            "latex": r"c_t = f_t \circ c_{t-1} + i_t \circ g_t"} in data["forward"]  # fmt: skip


def test_a_cost_can_be_computed_with():
    data = answer("cost", "lstm")
    sizes = {"T": 5, "B": 3, "I": 2, "H": 4}
    assert counted(data["work"]["forward"]["multiply-adds"], sizes) == 5 * 3 * 4 * 4 * (2 + 4)
    assert {saving["rule"] for saving in data["savings"]} >= {"hoist", "defer"}


def test_a_difference():
    data = answer("diff", "lstm", "lstm_peephole")
    assert not data["same"] and data["renamed"] == {}
    assert data["parameters"] == {
        "removed": {},
        "added": {"p_i": ["H"], "p_f": ["H"], "p_o": ["H"]},
    }
    first = data["forward"][0]
    assert not first["same"] and first["old"]["changed"] == []
    assert first["new"]["changed"] == ["p_i * c"]
    back = answer("diff", "lstm_peephole", "lstm")
    assert back["parameters"]["removed"] == data["parameters"]["added"]
    assert answer("diff", "lstm", "lstm")["same"]
    assert answer("diff", "lstm", "gru")["renamed"] == {"i": "z", "g": "n"}


def test_what_came_and_went_adds_up():
    """Every equation of either cell is in its difference, once."""
    old, new = library.load("lstm"), library.load("gru")
    data = difference_data(old, new)
    for section in ("forward", "adjoints", "back", "gathered"):
        for side, cell in (("old", old), ("new", new)):
            found = [c[side]["formula"] for c in data[section] if c[side]]
            assert sorted(found) == sorted(e["formula"] for e in cell_data(cell)[section])


def test_a_proof():
    data = answer("check", "rnn", "gru:reset=after")
    assert data["ok"] and [cell["cell"] for cell in data["cells"]] == ["rnn", "gru"]
    for cell in data["cells"]:
        assert [row["name"] for row in cell["rows"]][:2] == ["identity", "reach"]
        for row in cell["rows"]:
            assert row["seconds"] > 0 and row["ok"] is not False
            if row["value"] is not None:
                assert row["value"] <= row["bound"]
        assert sum(row["value"] is not None for row in cell["rows"]) >= 8


def test_a_proof_that_fails(monkeypatch):
    """The document is whole, and the exit status is 1."""
    monkeypatch.setattr(tanh, "slopes", staticmethod(lambda y, x: (1 - y,)))
    result = run("check", "rnn", "--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert data["ok"] is data["cells"][0]["ok"] is False
    failed = {row["name"] for row in data["cells"][0]["rows"] if row["ok"] is False}
    assert {"identity", "complex step", "Taylor"} <= failed
    for row in data["cells"][0]["rows"]:
        if row["value"] is not None:
            assert row["ok"] is (row["value"] <= row["bound"])


def test_files_that_were_written(tmp_path):
    data = answer("generate", "rnn", "lstm", "-o", tmp_path)
    assert data == {"files": [{"cell": n, "path": f"{tmp_path}/{n}.py"} for n in ("rnn", "lstm")]}
    assert all(Path(file["path"]).is_file() for file in data["files"])
    (file,) = answer("diagram", "rnn", "-o", tmp_path / "rnn.svg")["files"]
    assert file == {"cell": "rnn", "path": f"{tmp_path}/rnn.svg"}


@pytest.mark.parametrize("command", [["generate", "rnn"], ["diagram", "rnn"]])
def test_quiet_says_nothing(tmp_path, command):
    result = run(*command, "-o", tmp_path / "out.svg", "--quiet")
    assert result.exit_code == 0 and result.output == ""
    assert (tmp_path / "out.svg").exists()


@pytest.mark.parametrize("arguments", [
    "show nonsense", "cost nonsense", "diff lstm nonsense", "check rnn nonsense",
    "generate rnn nonsense", "diagram nonsense -o a.svg", "diff lstm gru --latex", "list nonsense",
])  # fmt: skip
def test_an_error_is_one_line_and_no_document(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert_refused(run(*arguments.split(), "--json"))
    assert list(tmp_path.iterdir()) == []


def test_what_an_author_wrote_stays_text(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE.replace("A cell of my own.", 'Quotes "}], a \\\\u0000 and ½ 𝔼 </script>'))
    data = answer("show", path)
    assert data["about"] == ['Quotes "}], a \\u0000 and ½ 𝔼 </script>']


# --- what is documented --------------------------------------------------------------------------

NAMED = {  # what is found by a name or a letter, not by a key
    "options", "defaults", "choices", "axes", "updates", "quantities", "renamed", "removed",
    "added", "sizes", "weights", "values", "adjoints", "right", "settings",
}  # fmt: skip
DOCS = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")


def keys(data):
    """The keys of a document and of all in it."""
    if isinstance(data, list):
        return set().union(*map(keys, data))
    if not isinstance(data, dict):
        return set()
    found = set(data)
    for key, value in data.items():
        by_name = key in NAMED and isinstance(value, dict)
        found |= keys(list(value.values()) if by_name else value)
    return found


@pytest.fixture(scope="module")
def every_key(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    more = [answer("check", "rnn"), answer("generate", "rnn", "-o", folder)]
    np.savez(folder / "rnn.npz", W=np.ones((2, 3)), U=np.ones((2, 2)), b=np.ones(2))
    more.append(answer("weights", "rnn", folder / "rnn.npz", "--to", "keras"))
    return keys([*(answer(*arguments.split()) for arguments in ANSWERS), *more])


def test_every_key_is_documented(every_key):
    assert len(every_key) > 40
    assert {key for key in every_key if f"`{key}`" not in DOCS} == set()


def test_no_key_is_documented_that_there_is_not(every_key):
    """The first column of every table."""
    rows = re.findall(r"^\| (`.*?) \|", DOCS, re.MULTILINE)
    said = {key for row in rows for key in re.findall(r"`(.+?)`", row)}
    assert len(said) > 30 and said - every_key == set()


def test_a_list_without_cells_is_a_list():
    assert list_data([]) == {"cells": []}
