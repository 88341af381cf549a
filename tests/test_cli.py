"""The command: what it writes, what it says, how it exits.

Exit status 0, or 1 where a check fails, or 2 with one clear line on bad input; files are written
whole or not at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from some_cells import every, first, sampled

from derive import VERSION, cli, compiler, render
from derive.backends import BACKENDS
from derive.library import load, names

ROOT = Path(__file__).parent.parent
COMMANDS = ["list", "show", "latex", "generate", "check"]
MINE = '''
from derive.language import Cell, H, I, Input, Matrix, State, tanh


class Mine(Cell):
    """A cell of my own."""

    x = Input()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    h_next = tanh(W @ x + U @ h)
'''


def run(*arguments, **more):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments], **more)


def in_process(*arguments, cwd=None, code=None, **environment):
    """The command in a process of its own."""
    start = ["-c", code] if code else ["-m", "derive", *map(str, arguments)]
    return subprocess.run(
        [sys.executable, "-W", "error", *start], cwd=cwd or ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


def assert_refused(result, *words):
    """Exit status 2, nothing on standard output, and one line that says what is wrong."""
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    assert "Traceback" not in line and "Error:" not in line.partition("SyntaxError")[0][:7]
    for word in words:
        assert word in line, line
    return line


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "my_cell.py"
    path.write_text(MINE)
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


# --- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS)], ids=["derive", *COMMANDS])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(command, flag):
    result = run(*command, flag)
    assert result.exit_code == 0 and result.stdout.startswith("Usage:")
    assert max(map(len, result.stdout.splitlines())) <= 100
    if not command:
        for name in COMMANDS:
            assert f"  {name} " in result.stdout
    elif command != ["list"]:
        assert "mycell.py" in result.stdout  # what CELL may be


def test_version():
    assert VERSION in run("--version").stdout


def test_a_newcomer_who_types_the_command_alone_is_shown_what_there_is():
    result = run()
    assert "generate" in result.output and "Traceback" not in result.output


HEAVY = ("sympy", "numpy", "jinja2", "scipy", "torch", "rich")


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["--version"]])
def test_help_answers_at_once(arguments):
    """Nothing that takes long to import is imported for it."""
    code = (
        "import sys\nfrom derive.cli import main\n"
        f"try: main({arguments!r}, prog_name='derive')\nexcept SystemExit: pass\n"
        f"print(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    result = in_process(code=code)
    assert result.returncode == 0
    assert result.stderr.strip() == ""


def test_python_m_derive_is_the_command():
    result = in_process("--help")
    assert result.returncode == 0 and "generate" in result.stdout
    assert in_process("nonsense").returncode == 2


def test_an_unknown_command_or_option():
    assert run("nonsense").exit_code == 2
    assert run("generate", "--nonsense").exit_code == 2


# --- generate ------------------------------------------------------------------------------------


@every
def test_generate_writes_every_cell(out):
    result = run("generate", "-o", out)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in out.iterdir()) == [f"{n}.py" for n in names()]
    for name in names():
        (text,) = compiler.generate(load(name)).values()
        assert (out / f"{name}.py").read_text(encoding="utf-8") == text
    assert result.stdout == f"wrote {len(names())} files into {out}\n"


def test_generate_says_in_one_line_what_nobody_has_named(out, monkeypatch):
    monkeypatch.setattr("derive.library.names", lambda: ["rnn", "indrnn"])
    assert run("generate", "-o", out).stdout == f"wrote 2 files into {out}\n"
    assert {path.name for path in out.iterdir()} == {"rnn.py", "indrnn.py"}
    assert run("generate", "-o", out, "--quiet").stdout == ""
    told = json.loads(run("generate", "-o", out, "--json").stdout)
    assert [file["cell"] for file in told["files"]] == ["rnn", "indrnn"]
    named = run("generate", "rnn", "indrnn", "-o", out).stdout
    assert named == f"wrote {out / 'rnn.py'}\nwrote {out / 'indrnn.py'}\n"


def test_generate_writes_the_cells_that_are_named(out):
    assert run("generate", "rnn", "lstm", "--output", out).exit_code == 0
    assert sorted(p.name for p in out.iterdir()) == ["lstm.py", "rnn.py"]


def test_generate_makes_the_folder(out):
    assert run("generate", "rnn", "-o", out / "deep" / "deeper").exit_code == 0
    assert (out / "deep" / "deeper" / "rnn.py").is_file()


def test_generate_writes_here_if_nothing_is_said(tmp_path):
    result = in_process("generate", "rnn", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert [p.name for p in tmp_path.iterdir()] == ["rnn.py"]


def test_generate_twice_changes_nothing(out):
    run("generate", "rnn", "-o", out)
    first = (out / "rnn.py").read_bytes()
    assert run("generate", "rnn", "-o", out).exit_code == 0
    assert (out / "rnn.py").read_bytes() == first


def test_generate_takes_a_file(mine, out):
    """Called after the file, wherever it is."""
    assert run("generate", mine, "-o", out).exit_code == 0
    text = (out / "my_cell.py").read_text()
    assert "A cell of my own." in text
    compile(text, "my_cell.py", "exec")


def test_generate_takes_files_and_names_together(mine, out):
    assert run("generate", mine, "rnn", f"{mine}:Mine", "-o", out).exit_code == 0
    assert sorted(p.name for p in out.iterdir()) == ["mine.py", "my_cell.py", "rnn.py"]


def test_a_file_in_the_working_folder(mine):
    result = in_process("generate", "my_cell.py", "-o", "out", cwd=mine.parent)
    assert (result.returncode, result.stderr) == (0, "")
    assert (mine.parent / "out" / "my_cell.py").is_file()
    assert sorted(p.name for p in mine.parent.iterdir()) == ["my_cell.py", "out"]


def test_a_cell_s_file_is_not_written_over_by_accident(mine):
    """`derive generate mycell.py` where mycell.py is: the module would take the cell's place."""
    result = in_process("generate", "my_cell.py", cwd=mine.parent)
    assert mine.read_text() == MINE
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("behind", [":Mine", ":scale=2", ":Mine:scale=2"])
def test_nor_is_it_where_a_title_or_settings_stand_behind_it(tmp_path, behind):
    text = MINE.replace("tanh(W @ x + U @ h)", "scale * tanh(W @ x + U @ h)")
    path = tmp_path / "mine.py"
    path.write_text(text.replace("    W, U =", "    scale = 1.0\n    W, U ="))
    before = path.read_text()
    assert_refused(run("generate", f"{path}{behind}", "-o", tmp_path), "the cell's own file")
    assert path.read_text() == before
    assert run("generate", f"{path}{behind}", "-o", tmp_path / "elsewhere").exit_code == 0


def test_a_picture_is_named_as_one(mine):
    assert_refused(run("diagram", mine, "-o", mine), ".svg", ".py")
    assert mine.read_text() == MINE


def test_a_file_may_import_its_neighbours(tmp_path, out):
    """Not promised, but what happens must be clear: it works, or one line says what is missing."""
    (tmp_path / "shared_part.py").write_text("from derive.language import *\n")
    path = tmp_path / "uses.py"
    path.write_text(MINE.replace("from derive.language import Cell, H, I, Input, Matrix, State, "
                                 "tanh", "from shared_part import *"))  # fmt: skip
    result = run("generate", path, "-o", out)
    if result.exit_code:
        assert_refused(result, "uses.py:2", "shared_part")


def test_store_states(out):
    assert run("generate", "lstm", "--store", "states", "-o", out).exit_code == 0
    text = (out / "lstm.py").read_text()
    assert text != compiler.generate(load("lstm"))["lstm.py"]
    assert text == compiler.generate(load("lstm"), store="states")["lstm.py"]


def test_files_can_be_read_by_everybody(out):
    run("generate", "rnn", "-o", out)
    assert (out / "rnn.py").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_we_wrote_is_replaced(out, backend):
    """Where it was made with other options, by another version, or changed by hand."""
    run("generate", "gru", "--backend", backend, "-o", out)
    path = sorted(out.iterdir())[0]  # of C there are two
    content = path.read_bytes()
    path.write_bytes(content.replace(VERSION.encode(), b"0.0.1") + b"\n")
    assert run("generate", "gru:reset=after", "--backend", backend, "-o", out).exit_code == 0
    assert path.read_bytes() not in (b"", content)
    assert run("generate", "gru", "--backend", backend, "-o", out).exit_code == 0
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("backend", "content"),
    [
        pytest.param(backend, content, marks=[every] * (k > 0 < n))
        for k, backend in enumerate(BACKENDS)
        for n, content in enumerate([b"import torch\n", MINE.encode(), b"", b"\xff\xfe\x00"])
    ],
)
def test_what_somebody_else_wrote_is_kept(out, backend, content):
    run("generate", "gru", "--backend", backend, "-o", out)
    paths = sorted(out.iterdir())
    path, ours = paths[0], paths[0].read_bytes()
    path.write_bytes(content)
    line = assert_refused(run("generate", "rnn", "gru", "--backend", backend, "-o", out), "--force")
    assert str(path) in line and path.read_bytes() == content
    assert sorted(out.iterdir()) == paths  # none was written
    assert run("generate", "gru", "--backend", backend, "-o", out, "--force").exit_code == 0
    assert path.read_bytes() == ours


@pytest.mark.parametrize("arguments, name, also", [
    (["diagram", "rnn", "--steps"], "01-h_next.svg", ""),
    (["docs", "rnn", "-o"], "assets/style.css", "index.html"),
    pytest.param(["docs", "rnn", "-o"], "index.html", "", marks=every),
])  # fmt: skip
def test_so_are_other_files_whose_names_are_ours(tmp_path, arguments, name, also):
    """A folder with our front page in it is an atlas of ours, and built anew."""
    for _ in range(2):
        assert run(*arguments, tmp_path).exit_code == 0
    (tmp_path / name).write_text("mine")
    if also:
        (tmp_path / also).unlink()
    assert_refused(run(*arguments, tmp_path), "--force", name)
    assert (tmp_path / name).read_text() == "mine"
    assert run(*arguments, tmp_path, "--force").exit_code == 0
    assert (tmp_path / name).read_text() != "mine"


# --- bad input -----------------------------------------------------------------------------------

BAD_FILES = {
    "syntax": ("class Mine(Cell:\n", [":1"]),
    "name": (MINE.replace("U @ h", "V @ h"), [":12", "`V` is not defined"]),
    "import": ("import no_such_module\n" + MINE, [":1", "no_such_module"]),
    "no cell": ("x = 1\n", ["no cell"]),
    "empty": ("", ["no cell"]),
    "two cells": (MINE + MINE.replace("Mine", "Yours"), ["Mine", "Yours"]),
    "wrong cell": (MINE.replace("U @ h", "W @ h"), ["h_next", "W @ h"]),
    "unused": (MINE.replace("W, U", "W, U, V").replace("(H, H)", "(H, H), Matrix(H, H)"), ["V"]),
    "raises": (MINE + "\nraise RuntimeError('two\\nlines')\n", ["two lines"]),
    "null byte": ("x = '\0'\n", ["null bytes"]),
    "return": (MINE + "\nreturn\n", [":14", "return"]),
    "nesting": ("x = " + "-" * 200_000 + "1\n", ["nested"]),
    "indentation": (MINE + "\n   y = 1\n", [":"]),
    "recursion": ("def f(): f()\nf()\n", []),
    "exits": ("import sys\nsys.exit('no')\n", []),
}


@pytest.mark.parametrize("what", BAD_FILES)
@pytest.mark.parametrize("command", ["generate", "show", "latex", "check"])
def test_a_bad_file_is_one_line(tmp_path, out, what, command):
    text, words = BAD_FILES[what]
    path = tmp_path / "bad.py"
    path.write_text(text)
    more = ["-o", out] if command == "generate" else []
    line = assert_refused(run(command, path, *more), "bad.py", *words)
    assert len(line) < 400
    assert not out.exists()


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "bad.py"
    path.write_bytes(b"\xff\xfe\x00x = 1")
    assert_refused(run("generate", path), "bad.py")


@pytest.mark.parametrize("command", ["generate", "show", "latex", "check"])
@pytest.mark.parametrize("cell, words", [
    ("nonsense", ["nonsense"]), ("no_such.py", ["no_such.py"]), ("", []),
    ("no_such.py:Mine", ["no_such.py"]), ("lstm:LSTM", ["LSTM"]), ("LSTM", ["LSTM"]),
    ("../cells/lstm", ["lstm"]), ("__init__", ["__init__"]), ("lstm.py", ["lstm.py"]),
])  # fmt: skip
def test_a_cell_that_is_not_there(command, cell, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_refused(run(command, cell), *words)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_a_file(tmp_path):
    (tmp_path / "folder.py").mkdir()
    assert_refused(run("generate", tmp_path / "folder.py"), "folder.py")


def test_an_unknown_backend_says_which_there_are(out):
    assert_refused(run("generate", "rnn", "--backend", "cobol", "-o", out), "cobol", "numpy")
    assert not out.exists()


@pytest.mark.parametrize("arguments", ["--bogus", "bogus", "show", "list --x", "latex a b"])
def test_a_wrong_command_line_is_one_line(arguments):
    assert_refused(run(*arguments.split()), "")


def test_an_unknown_backend_is_told_before_anything_is_derived(out):
    assert_refused(run("generate", "--backend", "../x", "-o", out), "numpy")


def test_two_cells_of_one_name(tmp_path, out):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text(MINE)
    paths = [tmp_path / folder / "same.py" for folder in "ab"]
    assert_refused(run("generate", *paths, "-o", out), "same.py")
    assert not out.exists()


def test_the_folder_is_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    result = run("generate", "rnn", "-o", tmp_path / "file")
    assert result.exit_code == 2 and "Traceback" not in result.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert_refused(run("generate", "rnn", "-o", tmp_path / "file" / "below"), "file")


def test_the_folder_cannot_be_written(tmp_path):
    """As root every folder can be; the kernel's own cannot."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):
        folder = Path("/proc/derive")
        if not folder.parent.is_dir():
            pytest.skip("no folder here that cannot be written")
    assert_refused(run("generate", "rnn", "-o", folder), str(folder))


def test_one_bad_cell_and_nothing_is_written(mine, out, tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("x = 1\n")
    assert_refused(run("generate", "rnn", mine, bad, "-o", out), "bad.py")
    assert not out.exists()


def test_a_disk_that_fills_up_leaves_everything_as_it_was(out, monkeypatch):
    assert run("generate", "lstm", "-o", out).exit_code == 0
    old = (out / "lstm.py").read_text()
    real, calls = os.fdopen, []

    def full(*arguments, **more):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(*arguments, **more)

    monkeypatch.setattr(render.os, "fdopen", full)
    result = run("generate", "lstm", "rnn", "-o", out)
    assert_refused(result, "rnn.py: No space left on device")
    assert [p.name for p in out.iterdir()] == ["lstm.py"]
    assert (out / "lstm.py").read_text() == old


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    first(
        3,
        [
            *((["latex", "rnn"], ""), (["show", "rnn"], "1"), (["list", "--json"], "")),
            *((["latex", "rnn"], "1"), (["show", "rnn"], ""), (["list", "--json"], "1")),
        ],
    ),
)
def test_an_answer_for_which_there_is_no_room(arguments, unbuffered):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "derive", *arguments], cwd=ROOT, stdout=full,
            stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.splitlines() == ["derive: No space left on device"]


def test_an_interruption_while_writing_leaves_no_half_file(out, monkeypatch):
    out.mkdir()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(render.os, "replace", interrupted)
    result = run("generate", "lstm", "rnn", "-o", out)
    assert result.exit_code != 0
    assert list(out.iterdir()) == []


def test_a_file_name_that_is_taken_by_a_folder(out):
    (out / "rnn.py").mkdir(parents=True)
    (out / "lstm.py").write_text("old")
    result = run("generate", "lstm", "rnn", "-o", out)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert (out / "lstm.py").read_text() == "old"
    assert sorted(p.name for p in out.iterdir()) == ["lstm.py", "rnn.py"]


def test_an_error_of_the_toolkit_is_not_hidden(monkeypatch):
    """A mistake of ours must not look like a mistake of theirs."""

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(compiler, "generate", broken)
    assert isinstance(run("generate", "rnn").exception, ZeroDivisionError)


# --- the other commands --------------------------------------------------------------------------


def test_list_names_every_cell():
    result = run("list")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for name in names():
        assert any(name in line.split() for line in lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", sampled(names()))
def test_show_has_every_equation(name):
    result = run("show", name)
    assert result.exit_code == 0, result.output
    for equation in load(name).equations:
        assert str(equation.lhs).replace("_next", "′") in result.stdout
    assert max(map(cell_len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", sampled(names()))
def test_latex_is_on_standard_output_alone(name):
    fragment, document = run("latex", name), run("latex", name, "--standalone")
    for result in (fragment, document):
        assert result.exit_code == 0 and result.stderr == ""
        assert result.stdout.endswith("\n")
    assert "\\documentclass" in document.stdout and "\\end{document}" in document.stdout
    assert "\\documentclass" not in fragment.stdout


def test_output_is_the_same_in_a_pipe(mine):
    """No colours, no cursor movements, whatever the terminal's width."""
    for command in (["list"], ["show", "lstm"], ["latex", "lstm"], ["generate", "rnn", "-o",
                    mine.parent / "o"]):  # fmt: skip
        result = in_process(*command, COLUMNS="80")
        assert result.returncode == 0, result.stderr
        assert "\x1b" not in result.stdout + result.stderr
        assert result.stderr == ""


@pytest.mark.parametrize("command", ["show", "latex", "check"])
def test_every_command_takes_a_file(mine, command):
    result = run(command, mine)
    assert result.exit_code == 0, result.output
    assert "h" in result.stdout


def test_check_passes_for_a_right_cell():
    result = run("check", "rnn")
    assert result.exit_code == 0, result.output


def test_check_of_nothing():
    assert run("check").exit_code == 2


def test_check_fails_for_a_wrong_derivative(monkeypatch):
    """Exit status 1 where an activation's derivative is wrong, for each of several cells."""
    from derive.elementwise import tanh

    monkeypatch.setattr(tanh, "slopes", staticmethod(lambda y, x: (1 - y,)))
    result = run("check", "rnn", "lstm")
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout
